"""What host and machine do in turn, as plain data."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt
import torch
from torch import fx
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind

from .calibration import is_check, value_names
from .mixed import MixedNetwork
from .mixed_steps import ProductStep, RunStep, Step
from .sources.graphs.operators import VIEWS

_FREE = VIEWS | {"getitem"}


@dataclass(frozen=True, kw_only=True)
class HostStep:
    """An operator of the host, computed in float64 where it has floats.

    Attributes:
        operator: as PyTorch calls it. module: that calls it.
        makes: name of its value. shape: of it; None if it makes several.
        arguments: by the names of the operator's schema; a value is {"value": name}.
    """

    operator: str
    module: str
    makes: str
    shape: tuple[int, ...] | None
    arguments: dict[str, Any]


def in_turn(network: MixedNetwork) -> Iterator[HostStep | Step]:
    """All steps of a network in their order.

    Attention stands between its two products: the host multiplies the scores, masks them and takes their softmax.
    """
    graph = network.program.graph_module.graph
    nodes = value_names(network.program.graph_module)
    steps: dict[fx.Node, list[Step]] = {}
    hidden: set[fx.Node] = set()
    for step in network.steps:
        steps.setdefault(nodes[step.makes], []).append(step)
        hidden |= {nodes[name] for name in step.inside if name in nodes} if isinstance(step, RunStep) else set()
    for node in graph.nodes:
        if node.op != "call_function" or is_check(node):
            continue
        if node in steps:
            first, *others = steps[node]
            yield first
            if isinstance(first, ProductStep) and others:
                yield _host(node)
            yield from others
        elif node in hidden or any(given in hidden for given in node.all_input_nodes):
            hidden.add(node)
        else:
            yield _host(node)


def host_operators(network: MixedNetwork) -> dict[str, int]:
    """How many operators of each kind the host computes for an input; views and copies compute nothing."""
    names = [step.operator.removeprefix("aten.") for step in in_turn(network) if isinstance(step, HostStep)]
    return dict(Counter(name for name in (each.split(".")[0] for each in names) if name not in _FREE))


def _host(node: fx.Node) -> HostStep:
    value, stack = node.meta.get("val"), node.meta.get("nn_module_stack") or {}
    names = [each.name for each in getattr(getattr(node.target, "_schema", None), "arguments", ())]
    names += [f"argument{number}" for number in range(len(names), len(node.args))]
    given = dict(zip(names, node.args, strict=False)) | dict(node.kwargs)
    return HostStep(
        operator="getitem" if node.target is operator.getitem else str(node.target),
        module=next((name for name, _ in reversed(stack.values())), "").removeprefix("L['self']").lstrip("."),
        makes=node.name,
        shape=tuple(int(size) for size in value.shape) if isinstance(value, torch.Tensor) else None,
        arguments={name: _plain(item) for name, item in given.items()},
    )


def _plain(item: object) -> Any:
    if isinstance(item, fx.Node):
        return {"value": item.name}
    if isinstance(item, list | tuple):
        return [_plain(each) for each in item]
    return item if item is None or isinstance(item, bool | int | float | str) else str(item)


def argument_names(program: ExportedProgram) -> list[str]:
    """Names of the values that a program is called with, in order."""
    specs = program.graph_signature.input_specs
    return [str(spec.arg.name) for spec in specs if spec.kind is InputKind.USER_INPUT]


def as_array(tensor: torch.Tensor) -> npt.NDArray[Any]:
    """An argument of a program of the host as an array, floats in float64, in which the host computes."""
    array: npt.NDArray[Any] = (tensor.double() if tensor.is_floating_point() else tensor).numpy()
    return array


def as_tensor(array: npt.NDArray[Any]) -> torch.Tensor:
    """An array as an argument of a program of the host."""
    return torch.from_numpy(array)
