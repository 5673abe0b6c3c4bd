"""A PyTorch module as layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import nn
from torch.utils._pytree import tree_leaves

from skipbeat_arch.errors import InputError
from skipbeat_arch.model import ModelDescription
from skipbeat_arch.pattern import Pattern

from ..pruners.one_shot import prune_model
from ..scheme import Scheme
from .batch import common_batch
from .build import describe
from .data_rules import DataRules
from .graphs.graph import Graph
from .layers.reading import read_operators
from .nodes.fusion import fuse
from .nodes.maps import Form
from .tracing.fakes import is_meta

#: What finds a module's operators for inputs of some shapes, and for those given by name.
Trace = Callable[[nn.Module, tuple[object, ...], Mapping[str, object]], Graph]


def from_module(
    model: nn.Module,
    example_inputs: tuple[object, ...],
    kwargs: Mapping[str, object] | None = None,
    *,
    name: str,
    scheme: Scheme | None = None,
    seed: int = 0,
    stated: Pattern | None = None,
    rules: DataRules | None = None,
    trace: Trace | None = None,
) -> ModelDescription:
    """The layers of a module in evaluation mode, for inputs of the examples' shapes. The module is not changed.

    Args:
        example_inputs, kwargs: what the forward is called with; they may lie on the meta device, as the module may.
        name: what the model is called in reports.
        scheme: what to prune to, by its method; weights on the meta device get zeros drawn from the seed. None: the
            model as it is.
        stated: the pattern that the model is said to have; layers that break it are noted, and priced as they are.
        rules: what depends on data; None: experts take turns, and attention computes every score.
        trace: what finds the module's operators; None: `torch.export`.

    Raises:
        InputError: the module does not export, a weight is not finite, a layer has no elements, or the scheme names
            a layer that is not there.
    """
    if scheme is not None and scheme.method != "magnitude" and not is_meta(model):
        flattened = flattened_maps(model, example_inputs, kwargs, trace)
        model, scheme = prune_model(model, scheme, seed=seed, flattened=flattened), None
    graph = (trace or _exported)(model, tuple(example_inputs), kwargs or {})
    description = describe(graph, name=name, scheme=scheme, seed=seed, stated=stated, rules=rules)
    tensors = [item for item in tree_leaves((example_inputs, kwargs)) if isinstance(item, torch.Tensor)]
    return replace(description, batch=common_batch(tuple(tensor.shape) for tensor in tensors))


def _exported(model: nn.Module, inputs: tuple[object, ...], kwargs: Mapping[str, object]) -> Graph:
    from .tracing.exported import export_module  # a second and a half, which the models of the zoo do without

    return export_module(model, inputs, kwargs)


def flattened_maps(
    model: nn.Module,
    example_inputs: tuple[object, ...],
    kwargs: Mapping[str, object] | None = None,
    trace: Trace | None = None,
) -> dict[str, int]:
    """For linear layers behind a flattened map, by name: how many channels the map has.

    The machine reads such a layer's weight as that of a kernel over the map, so its groups lie along the channels.

    Raises:
        InputError: the module does not export.
    """
    graph = (trace or _exported)(model, example_inputs, kwargs or {})
    readings, constants = read_operators(graph)
    found = {}
    for operation in fuse(graph, readings, constants).operations:
        weights = [constant.weights[0] for constant in operation.reading.constants if constant is not None]
        channels, *size = operation.source.shape
        if operation.reading.product is not None and operation.source.form is Form.FLAT and size != [1, 1]:
            found.update({weight.rpartition(".")[0]: channels for weight in weights})
    return found


def with_numbers(name: str, model: nn.Module) -> nn.Module:
    """The model, if its weights have numbers.

    Raises:
        InputError: they have not.
    """
    if is_meta(model):
        raise InputError(f"model {name}: it can be priced, not run: its weights have shapes and no numbers")
    return model
