"""The largest magnitude of every value of a recorded network, for images that are representative.

As `calibration` finds it of an exported one, without the compiler that export imports.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch._dispatch.python import no_python_dispatcher
from torch.utils._pytree import tree_map

from .calibration import computed_in_parts, in_float64, largest_magnitude, repeatable
from .sources.graphs.graph import Graph, Value
from .sources.tracing.recorded import Watching


def recorded_magnitudes(model: nn.Module, inputs: Sequence[torch.Tensor], graph: Graph) -> dict[str, float]:
    """The largest magnitude of each value that operators read or make, by its name; computed in float64.

    Args:
        model: as it was recorded. inputs: of the shapes that it was recorded for.
        graph: what `record_module` found.
    """
    watcher = _Watcher(graph)
    with repeatable(), watcher.over(model):
        model(*inputs)
    return watcher.largest


class _Watcher(Watching):
    """Computes the operators of a recorded graph in float64, in the order in which the model calls them."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self._operators, self._weights = iter(graph.operators), graph.weights
        self.largest: dict[str, float] = {}

    def __torch_dispatch__(
        self,
        func: torch._ops.OpOverload,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> object:
        operator, named = next(self._operators), dict(kwargs or {})
        assert str(func) == operator.target, f"{func}: it was recorded as {operator.target}"
        with no_python_dispatcher():
            result: object = computed_in_parts(func, args, named)
            if result is None:
                exact, exact_named = tree_map(in_float64, (args, named))
                result = in_float64(func(*exact, **exact_named))
            for argument, given in zip(func._schema.arguments, args, strict=False):
                self._note(operator.args.get(argument.name), given)
            results = result if isinstance(result, list | tuple) else [result]
            tensors = [item for item in results if isinstance(item, torch.Tensor)]
            for value, tensor in zip(operator.results, tensors, strict=True):
                self.largest.pop(value.name, None)
                self._note(value, tensor)
        return result

    def _note(self, value: object, tensor: object) -> None:
        if not isinstance(value, Value) or value.name in self._weights or value.name in self.largest:
            return
        if isinstance(tensor, torch.Tensor) and tensor.is_floating_point() and tensor.numel():
            self.largest[value.name] = largest_magnitude(tensor)
