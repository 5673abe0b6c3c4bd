"""Heads of attention that share keys and values (grouped-query attention), which are stored once and stretched.

A model stretches keys [B, G, T, D] of G groups to H heads as `unsqueeze`, `expand` and `reshape`, or repeats them; the
numbers of a group are the same for its H / G heads, so their queries are the rows of one product.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod

from ..graphs.graph import Operator, Value

_SAME = frozenset({"clone", "contiguous", "to", "_to_copy", "detach", "alias"})
_RESHAPED = frozenset({"reshape", "view", "_unsafe_view", "flatten"})


class SharedHeads:
    """Looks up how many neighbouring matrices of a tensor [..., rows, columns] are the same by construction."""

    def __init__(self, operators: Iterable[Operator]) -> None:
        self._makers = {result.name: operator for operator in operators for result in operator.results}

    def rows_of_one(self, right: Value, outer: Sequence[int]) -> int:
        """How many products, one after the other, have the same second operand: they are the rows of one product.

        Args:
            right: the second operand; of attention it may have fewer heads than there are products.
            outer: how many products there are, as the axes before those of a matrix.
        """
        own, times = right.shape[:-2], prod(outer)
        grouped = times if prod(own) == 1 else 1
        if own and len(own) == len(outer) and own[:-1] == tuple(outer[:-1]) and 0 not in own:
            grouped = outer[-1] // own[-1]
        shared = self._sharing(right) * grouped
        return shared if shared and times % shared == 0 else 1

    def _sharing(self, value: Value) -> int:
        """How many of its matrices, one after the other, are one matrix; 1 if nothing is known."""
        maker = self._maker(value)
        if maker is not None and maker.base in ("transpose", "mT") and _swaps_matrix(maker):
            maker = self._maker(maker.value("self"))
        if maker is None:
            return 1
        if maker.base == "repeat_interleave":
            return self._repeated(maker)
        if maker.base not in _RESHAPED:
            return 1
        return self._stretched(maker)

    def _maker(self, value: Value) -> Operator | None:
        """What made a tensor, but for copies of it."""
        maker = self._makers.get(value.name)
        while maker is not None and maker.base in _SAME:
            maker = self._makers.get(maker.values()[0].name)
        return maker

    def _repeated(self, maker: Operator) -> int:
        given, times = maker.value("self"), maker.args.get("repeats")
        axis = maker.args.get("dim")
        last = len(given.shape) - 3
        is_head = isinstance(axis, int) and axis % max(len(given.shape), 1) == last
        return times if is_head and isinstance(times, int) else 1

    def _stretched(self, maker: Operator) -> int:
        expand = self._maker(maker.value("self"))
        if expand is None or expand.base not in ("expand", "broadcast_to"):
            return 1
        before, after = expand.value("self").shape, expand.results[0].shape
        wide = [i for i, size in enumerate(after) if i < len(before) and before[i] == 1 and size > 1]
        axis = len(after) - 3
        merged = (prod(after[:-2]), *after[-2:])
        result = maker.results[0].shape
        same = len(before) == len(after) and wide == [axis] and (prod(result[:-2]), *result[-2:]) == merged
        return after[axis] if same else 1


def _swaps_matrix(maker: Operator) -> bool:
    if maker.base == "mT":
        return True
    rank = len(maker.results[0].shape)
    axes = [maker.args.get("dim0"), maker.args.get("dim1")]
    return sorted(axis % rank for axis in axes if isinstance(axis, int)) == [rank - 2, rank - 1]
