"""Tensors that follow from the weights alone, such as `weight * mask`: they are computed when they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch

from .graph import Argument, Graph, Operator, Value
from .masked import masked_reader

#: Operators that leave every zero where it is: only the zeros of a weight are of interest.
_SAME = frozenset({"to", "_to_copy", "clone", "contiguous", "detach", "alias", "lift_fresh_copy", "dropout"})
#: Operators that are computed. Files name operators too, so nothing else may be called.
_COMPUTED = frozenset(
    {
        "mul",
        "div",
        "neg",
        "t",
        "transpose",
        "permute",
        "view",
        "reshape",
        "flatten",
        "unflatten",
        "unsqueeze",
        "squeeze",
        "expand",
        "numpy_T",
        "mT",
        "select",
        "slice",
        "split",
        "split_with_sizes",
        "chunk",
        "unbind",
        "_unsafe_view",
    }
)


@dataclass(frozen=True, eq=False)
class Constant:
    """A tensor that can be computed from the weights.

    Attributes:
        weights: names of the weights that it follows from, parameters before their masks.
    """

    weights: tuple[str, ...]
    read: Callable[[], torch.Tensor]


class Constants:
    """Which values of a graph are constants; `add` takes its operators one after the other."""

    def __init__(self, graph: Graph) -> None:
        read = masked_reader(graph.read, graph.stored)
        self._known = {value: Constant((weight,), partial(read, weight)) for value, weight in graph.weights.items()}

    def find(self, value: Value) -> Constant | None:
        """The constant that a value is."""
        return self._known.get(value.name)

    def add(self, operator: Operator) -> bool:
        """Notes an operator's results; whether they are constants."""
        inputs = operator.values()
        if operator.base not in _SAME | _COMPUTED or not inputs or any(self.find(value) is None for value in inputs):
            return False
        weights = tuple(dict.fromkeys(name for value in inputs for name in self._known[value.name].weights))
        for index, result in enumerate(operator.results):
            self._known[result.name] = Constant(
                tuple(sorted(weights, key=lambda name: name.endswith("mask"))), partial(self._compute, operator, index)
            )
        return True

    def _compute(self, operator: Operator, index: int) -> torch.Tensor:
        if operator.base in _SAME:
            return self._known[operator.values()[0].name].read()
        packet = getattr(torch.ops.aten, operator.base)
        function = getattr(packet, operator.target.split(".")[2])
        result = function(**{name: self._tensor(argument) for name, argument in operator.args.items()})
        return result if isinstance(result, torch.Tensor) else result[index]

    def _tensor(self, argument: Argument) -> object:
        if isinstance(argument, Value):
            return self._known[argument.name].read().detach()
        return [self._tensor(item) for item in argument] if isinstance(argument, list) else argument
