"""The largest magnitude of every value of an exported network, for images that are representative."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import fx
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind

#: What the name of an attention is followed by for its products of queries and keys.
SCORES = ".scores"


def largest_magnitudes(program: ExportedProgram, inputs: Sequence[torch.Tensor]) -> dict[str, float]:
    """The largest magnitude of each value by its name; computed in float64, which leaves no rounding noise.

    Args:
        inputs: of the shapes that the program was exported for.
    """
    recorder = _Recorder(program.graph_module)
    with torch.no_grad():
        recorder.run(*exact_inputs(program, inputs))
    return recorder.largest


def exact_inputs(program: ExportedProgram, inputs: Sequence[torch.Tensor]) -> list[object]:
    """What a program's graph is called with: its weights and the inputs, floats as float64."""
    given = iter(inputs)
    found: list[object] = []
    for spec in program.graph_signature.input_specs:
        if spec.kind is InputKind.USER_INPUT:
            found.append(_exact(next(given)))
        else:
            assert spec.target is not None
            stored = program.state_dict.get(spec.target, program.constants.get(spec.target))
            found.append(_exact(stored) if isinstance(stored, torch.Tensor) else stored)
    return found


def is_check(node: fx.Node) -> bool:
    """Whether a node only checks that numbers are of the type that they had when the model was exported."""
    return node.target is torch.ops.aten._assert_tensor_metadata.default


def in_float64(value: object) -> Any:
    """A result, or several: what a graph makes itself has the floats that it was exported with."""
    if isinstance(value, torch.Tensor) and value.is_floating_point():
        return value.double()
    return type(value)(map(in_float64, value)) if isinstance(value, tuple | list) else value


def _exact(tensor: torch.Tensor) -> torch.Tensor:
    """A copy, since operators may work in place; in float64 if it has floats."""
    return tensor.detach().to(torch.float64, copy=True) if tensor.is_floating_point() else tensor.clone()


class _Recorder(fx.Interpreter):
    """Runs a program and keeps the largest magnitude of each value."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.largest: dict[str, float] = {}

    def run_node(self, n: fx.Node) -> Any:  # the signature is torch's
        if is_check(n):
            return None
        value = in_float64(super().run_node(n))
        if n.target is torch.ops.aten.scaled_dot_product_attention.default:
            query, key = (self.env[given] for given in n.all_input_nodes[:2])
            self.largest[n.name + SCORES] = float((query @ key.transpose(-1, -2)).abs().max())
        if isinstance(value, torch.Tensor) and value.is_floating_point() and value.numel():
            self.largest[n.name] = float(value.abs().max())
        return value
