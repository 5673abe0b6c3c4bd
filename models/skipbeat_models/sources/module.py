"""A PyTorch module as layers."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from skipbeat_arch.model import ModelDescription
from skipbeat_arch.pattern import Pattern

from ..scheme import Scheme
from .build import describe
from .exported import export_module


def from_module(
    model: nn.Module,
    example_inputs: tuple[object, ...],
    kwargs: Mapping[str, object] | None = None,
    *,
    name: str,
    scheme: Scheme | None = None,
    seed: int = 0,
    stated: Pattern | None = None,
) -> ModelDescription:
    """The layers of a module in evaluation mode, for inputs of the examples' shapes. The module is not changed.

    Args:
        example_inputs, kwargs: what the forward is called with; they may lie on the meta device, as the module may.
        name: what the model is called in reports.
        scheme: prunes a copy by magnitude (weights on the meta device: zeros drawn from the seed); None: as it is.
        stated: the pattern that the model is said to have; layers that break it are noted, and priced as they are.

    Raises:
        InputError: the module does not export, a weight is not finite, a layer has no elements, or the scheme names
            a layer that is not there.
    """
    graph = export_module(model, tuple(example_inputs), kwargs or {})
    return describe(graph, name=name, scheme=scheme, seed=seed, stated=stated)
