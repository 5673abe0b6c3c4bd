"""The on-chip memories as the plan uses them: each one round and round."""

from __future__ import annotations

from collections.abc import Hashable

from skipbeat_arch.machine import PARAMETER_BLOCKS, TABLE_ENTRIES, Machine

from .regions import MAX_ENTRIES, Span, bank_entries


class Ring:
    """Hands out ranges of a memory in turn; none of them wraps.

    Args:
        first: entries below it are never handed out.
    """

    def __init__(self, size: int, first: int = 0) -> None:
        self.size, self._first, self._next = size, first, first
        self._kept: dict[Hashable, Span] = {}

    def take(self, count: int, within: Span | None = None) -> int:
        """The first of `count` entries behind the last ones, or at the start if they do not fit there.

        Args:
            within: take them from these entries, from-to.

        Raises:
            ValueError: more than there are.
        """
        first, stop = within or (self._first, self.size)
        if not 0 <= count <= stop - first:
            raise ValueError(f"a range of {count!r} in a memory of {stop - first!r}")
        start = self._next if first <= self._next <= stop - count else first
        self._next = start + count
        self._kept = {key: (a, b) for key, (a, b) in self._kept.items() if b <= start or self._next <= a}
        return start

    def keep(self, key: Hashable, count: int) -> tuple[int, bool]:
        """The first of the `count` entries of `key`, and whether they are new: not still there from before."""
        if key in self._kept:
            return self._kept[key][0], False
        start = self.take(count)
        self._kept[key] = start, start + count
        return start, True


class OnChip:
    """A ring for every memory, and the tile that the array holds.

    Attributes:
        weights, residual: vectors; activations: entries; parameters: blocks; table: entries, 0 being that of zeros.
    """

    def __init__(self, machine: Machine) -> None:
        self.weights = Ring(min(machine.weight_depth, MAX_ENTRIES))
        self.activations = Ring(bank_entries(machine))
        self.parameters = Ring(PARAMETER_BLOCKS)
        self.residual = Ring(min(machine.residual_depth, MAX_ENTRIES))
        self.table = Ring(TABLE_ENTRIES, first=1)
        self._tile: tuple[int, int, int] | None = None

    def enter(self, tile: tuple[int, int, int]) -> bool:
        """Whether a tile (node, column tile, number) has to be loaded into the array; it is there afterwards."""
        needed = tile != self._tile
        self._tile = tile
        return needed
