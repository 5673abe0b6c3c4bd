"""Products that are written as a multiplication of elements and a sum, such as `(x[:, None] * w).sum(-1)`.

A sum is linear: what only moves, casts, scales or adds numbers may stand between the two. Distances of all pairs, such
as `(x[:, None] - w).square().sum(-1)`, multiply as often.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate

import torch

from ..graphs.folding import compute, overload_of
from ..graphs.graph import Argument, Graph, Operator, Value
from ..graphs.operators import EINSUM, VIEWS
from ..graphs.products import operands, simple_equation
from .multiplying import is_pointwise

#: What sums up, and the operand that it sums up.
_SUMS = dict.fromkeys(("sum", "mean", "nansum", "cumsum", "trace", "sum_to_size"), "self") | {
    "index_add": "source",
    "index_put": "values",
    "scatter_add": "src",
    "scatter_reduce": "src",
    "segment_reduce": "data",
    "trapezoid": "y",
}
#: Averages of windows, by the axes that these have.
_WINDOWS = {f"{kind}{spatial}d": spatial for kind in ("avg_pool", "adaptive_avg_pool") for spatial in (1, 2, 3)}
_WINDOWS["_adaptive_avg_pool2d"] = 2
_MULTIPLICATIONS = {"mul": ("self", "other"), "addcmul": ("tensor1", "tensor2"), EINSUM: ()}
_SQUARES = frozenset({"pow", "square", "mul"})
#: Sums of squares.
_NORMS = dict.fromkeys(("linalg_vector_norm", "norm", "frobenius_norm"), "self") | {"linalg_norm": "A"}
#: Linear in these operands.
_LINEAR = {
    **_MULTIPLICATIONS,
    **dict.fromkeys(("add", "sub", "where"), ("self", "other")),
    **dict.fromkeys(("addcmul", "div", "masked_fill", "neg", "to", "_to_copy", "clone", "contiguous"), ("self",)),
    **dict.fromkeys(("alias", "detach", "dropout", "type_as", "flip", "roll", "pad", "constant_pad_nd"), ("self",)),
    **dict.fromkeys(("cat", "concat"), ("tensors",)),
}
_RESHAPES = frozenset(
    {"view", "_unsafe_view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "_reshape_alias", "view_as"}
)
#: Views that lie in their operand.
_MOVED = _RESHAPES | {
    *("broadcast_to", "chunk", "expand", "expand_as", "movedim", "narrow", "permute", "select", "slice", "split"),
    *("split_with_sizes", "swapaxes", "t", "tensor_split", "transpose", "unbind", "unfold", "unsafe_split", "alias"),
}
_INTEGERS = (torch.int32, torch.int64)


class Sums:
    """Which sums of a graph are products of two tensors.

    Args:
        is_stored: whether a value follows from stored tensors.
    """

    def __init__(self, graph: Graph, is_stored: Callable[[Value], bool]) -> None:
        self._is_stored = is_stored
        self._maker: dict[str, Operator] = {}
        self._changed: dict[str, Operator] = {}
        self._roots: dict[str, str] = {}
        for operator in graph.operators:
            self._maker.update((result.name, operator) for result in operator.results)
            if operator.results and not is_stored(operator.results[0]):
                self._roots[operator.results[0].name] = self._noted_root(operator)
            if operator.in_place and operator.base in _MULTIPLICATIONS:
                self._changed[self._memory(operator.value("self")).name] = operator

    def is_product(self, total: Operator) -> bool:
        """Whether an operator sums up products of two tensors along an axis that both have."""
        name = _SUMS.get(total.base, _NORMS.get(total.base, "self" if total.base in _WINDOWS else ""))
        source = total.args.get(name) if name else None
        if isinstance(source, Value) and total.base in _NORMS:
            euclidean = total.args.get("ord", total.args.get("p", 2)) in (2, None)
            return euclidean and self._are_pairs(source, _summed_axes(total, source))
        if not isinstance(source, Value) or total.args.get("reduce", "sum") not in ("sum", "mean"):
            return False
        if total.base == "index_put" and not total.args.get("accumulate"):
            return False
        left, seen = [(source, _summed_axes(total, source))], set[tuple[str, frozenset[int]]]()
        while left:
            value, axes = left.pop()
            if not axes or (value.name, axes) in seen or self._is_stored(value):
                continue
            seen.add((value.name, axes))
            if self._is_multiplied(value, axes):
                return True
            left += self._before(value, axes)
        return False

    def _is_multiplied(self, value: Value, axes: frozenset[int]) -> bool:
        """Whether a value is made by, or was overwritten with, a multiplication along some axes."""
        maker, changed = self._maker.get(value.name), self._changed.get(self._memory(value).name)
        if changed is not None and changed is not maker and self._multiplies(changed, _every(changed.results[0])):
            return True
        if maker is not None and maker.base in _SQUARES and self._squares(maker, axes):
            return True
        return maker is not None and maker.base in _MULTIPLICATIONS and self._multiplies(maker, axes)

    def _squares(self, square: Operator, axes: frozenset[int]) -> bool:
        """Whether an operator gives the squares of the differences of all pairs along some axes."""
        given = [each for each in square.values() if each.elements > 1]
        exponent = square.args.get("exponent", 2)
        even = exponent == 2 or isinstance(exponent, Value)
        return even and len({each.name for each in given}) == 1 and self._are_pairs(given[0], axes)

    def _are_pairs(self, value: Value, axes: frozenset[int]) -> bool:
        """Whether a value holds the differences of all pairs of vectors that lie along some axes."""
        maker = self._maker.get(value.name)
        if maker is None or maker.base not in ("add", "sub", "rsub"):
            return False
        result, given = maker.results[0], maker.values()
        if len(given) != 2 or any(each.elements == result.elements for each in given):
            return False
        return bool(axes.intersection(*(_own_places(each, result) for each in given)))

    def _before(self, value: Value, axes: frozenset[int]) -> list[tuple[Value, frozenset[int]]]:
        """The operands that a value is linear in, with what some of its axes are in them."""
        maker = self._maker.get(value.name)
        if maker is None:
            return []
        if maker.base in _LINEAR:
            given = [maker.args.get(name) for name in _LINEAR[maker.base]]
            parts = [each for item in given for each in (item if isinstance(item, list) else [item])]
            return [(each, _own_axes(each, value, axes)) for each in parts if isinstance(each, Value)]
        source = next((each for each in maker.values() if each.elements > 1), None)
        if source is None or maker.base not in VIEWS:
            return []
        return [(source, _axes_before(maker, source, value, axes))]

    def _multiplies(self, multiplication: Operator, axes: frozenset[int]) -> bool:
        """Whether both operands of a multiplication vary along one of some axes of its result."""
        result = multiplication.results[0]
        placed = _operands(multiplication)
        if len(placed) < 2 or not result.shape:
            return False
        varying = [
            {out for axis, out in places.items() if each.shape[axis] > 1 and axis not in self._stretched(each)}
            for each, places in placed
        ]
        own_gate = len({self._roots.get(each.name, each.name) for each, _ in placed}) == 1
        return bool(varying[0] & varying[1] & axes) and not (
            own_gate or any(self._selects(each, result) for each, _ in placed)
        )

    def _stretched(self, value: Value) -> frozenset[int]:
        """The axes along which a value is a copy of itself."""
        maker = self._maker.get(value.name)
        if maker is None or maker.base not in ("expand", "expand_as", "broadcast_to"):
            return frozenset()
        source = maker.value("self").shape
        before = (1,) * (len(value.shape) - len(source)) + source
        return frozenset(axis for axis, size in enumerate(before) if size == 1)

    def _noted_root(self, operator: Operator) -> str:
        """The tensor of which a result is a function element by element: a gate of itself is an activation function."""
        name = operator.results[0].name
        if not is_pointwise(operator):
            return name
        given = [each for each in operator.values() if each.elements > 1 and not self._is_stored(each)]
        roots = {self._roots.get(each.name, each.name) for each in given}
        return roots.pop() if len(roots) == 1 else name

    def _selects(self, value: Value, result: Value) -> bool:
        """Whether a value is a mask: multiplication by it selects."""
        here: Value | None = value
        while here is not None:
            counted = here.dtype in _INTEGERS and result.dtype not in _INTEGERS and not self._is_stored(here)
            if here.dtype is torch.bool or counted:
                return True
            maker = self._maker.get(here.name)
            moved = maker is not None and (maker.base in VIEWS or is_pointwise(maker))
            operands = [each for each in maker.values() if each.elements > 1] if maker is not None and moved else []
            here = operands[0] if len(operands) == 1 else None
        return False

    def _memory(self, value: Value) -> Value:
        """The tensor in whose memory a value lies, if it is a view."""
        maker = self._maker.get(value.name)
        while maker is not None and (maker.in_place or maker.base in _MOVED) and maker.values():
            value = maker.values()[0]
            maker = self._maker.get(value.name)
        return value


def _every(value: Value) -> frozenset[int]:
    return frozenset(axis for axis, size in enumerate(value.shape) if size > 1)


def _summed_axes(total: Operator, source: Value) -> frozenset[int]:
    """The axes of its operand that an operator sums up."""
    rank = len(source.shape)
    if total.base in _WINDOWS:
        return frozenset(range(rank - _WINDOWS[total.base], rank)) & _every(source)
    given: Argument = total.args.get("dim", total.args.get("axis"))
    dims = frozenset(each % rank for each in (given if isinstance(given, list) else [given]) if isinstance(each, int))
    return (dims or frozenset(range(rank))) & _every(source) if rank else frozenset()


def _own_places(operand: Value, result: Value) -> frozenset[int]:
    """The axes of an elementwise result along which an operand varies."""
    ahead = len(result.shape) - len(operand.shape)
    return frozenset(axis + ahead for axis in _every(operand))


def _own_axes(operand: Value, result: Value, axes: frozenset[int]) -> frozenset[int]:
    """The axes of an operand that some axes of an elementwise result are."""
    ahead = len(result.shape) - len(operand.shape)
    return frozenset(axis - ahead for axis in axes if axis >= ahead) & _every(operand)


def _operands(multiplication: Operator) -> list[tuple[Value, dict[int, int]]]:
    """The operands of a multiplication, with the axis of the result for each of their axes."""
    result = multiplication.results[0]
    if multiplication.base == EINSUM:
        given = operands(multiplication)
        ranks = [len(each.shape) for each in given or ()]
        letters = simple_equation(str(multiplication.args.get("equation", "")), ranks)
        if given is None or letters is None:
            return []
        names, out = letters
        return [
            (each, {axis: out.index(letter) for axis, letter in enumerate(name) if letter in out})
            for each, name in zip(given, names, strict=True)
        ]
    found = [multiplication.args.get(name) for name in _MULTIPLICATIONS[multiplication.base]]
    return [
        (each, {axis: len(result.shape) - len(each.shape) + axis for axis in range(len(each.shape))})
        for each in found
        if isinstance(each, Value)
    ]


def _axes_before(view: Operator, source: Value, result: Value, axes: frozenset[int]) -> frozenset[int]:
    """The axes of its operand along which a view's axes walk; all, if its result does not lie in its operand."""
    placed = torch.empty(source.shape, device="meta")
    if view.base in _RESHAPES:
        moved = placed.reshape(result.shape)
    elif overload_of(view) is None or view.base not in _MOVED:
        return _every(source)
    else:
        moved = compute(view, {source.name: placed})[[each.name for each in view.results].index(result.name)]
    walks = [(moved.stride(axis), moved.stride(axis) * moved.shape[axis]) for axis in axes]
    ends = list(accumulate(reversed(source.shape), int.__mul__, initial=1))[::-1]
    return frozenset(
        axis for axis in _every(source) if any(ends[axis] > first and ends[axis + 1] < end for first, end in walks)
    )
