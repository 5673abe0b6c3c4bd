"""The on-chip memories as the plan uses them: each one round and round."""

from __future__ import annotations

from skipbeat_arch.machine import PARAMETER_BLOCKS, TABLE_ENTRIES, Machine

from .regions import MAX_ENTRIES, bank_entries


class Ring:
    """Hands out ranges of a memory in turn; none of them wraps.

    Args:
        first: entries below it are never handed out.
    """

    def __init__(self, size: int, first: int = 0) -> None:
        self.size, self._first, self._next = size, first, first

    def take(self, count: int) -> int:
        """The first of `count` entries behind the last ones, or at the start if they do not fit there.

        Raises:
            ValueError: more than there are.
        """
        if not 0 <= count <= self.size - self._first:
            raise ValueError(f"a range of {count!r} in a memory of {self.size!r}")
        start = self._next if self._next + count <= self.size else self._first
        self._next = start + count
        return start


class Chip:
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
        """Whether a tile (step, column tile, number) has to be loaded into the array; it is there afterwards."""
        needed = tile != self._tile
        self._tile = tile
        return needed
