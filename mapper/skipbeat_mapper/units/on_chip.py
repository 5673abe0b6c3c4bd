"""The on-chip memories as the plan uses them: each one round and round."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from skipbeat_arch.machine import PARAMETER_BLOCKS, PARAMETER_PITCH, TABLE_ENTRIES, Machine

from ..placing.regions import MAX_ENTRIES, Span, bank_entries
from .unit import Space


def memory_sizes(machine: Machine, vectors: int) -> dict[Space, int]:
    """Entries of every memory that addresses reach; the external one is given `vectors`."""
    return {
        Space.WEIGHTS: min(machine.weight_depth, MAX_ENTRIES),
        Space.ACTIVATIONS: bank_entries(machine),
        Space.PARAMETERS: PARAMETER_BLOCKS * PARAMETER_PITCH,
        Space.RESIDUAL: min(machine.residual_depth, MAX_ENTRIES),
        Space.TABLE: TABLE_ENTRIES,
        Space.MEMORY: vectors,
    }


class Ring:
    """Hands out ranges of a memory in turn; none of them wraps.

    Args:
        first: entries below it are never handed out.
    """

    def __init__(self, size: int, first: int = 0) -> None:
        self.size, self._first, self._next = size, first, first
        self._kept: dict[Hashable, Span] = {}

    @property
    def next(self) -> int:
        """Where the next entries are taken."""
        return self._next

    @property
    def kept(self) -> Hashable:
        """What is there, and where."""
        return tuple(self._kept.items())

    @property
    def from_next(self) -> Hashable:
        """The same from the next entries on, round and round."""
        return tuple((key, (start - self._next) % self.size, stop - start) for key, (start, stop) in self._kept.items())

    def take(self, count: int, within: Span | None = None, *, apart: bool = False) -> int:
        """The first of `count` entries behind the last ones, or at the start if they do not fit there.

        More than there are reach beyond the end, which `limits.check` refuses.

        Args:
            within: take them from these entries, from-to.
            apart: or at the end, if that leaves more of the last ones alone.
        """
        first, stop = within or (self._first, self.size)
        start = self._next if first <= self._next <= stop - count else first
        if apart and start == first < self._next < stop < first + 2 * count:
            start = max(first, stop - count)
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

    def hold(self, keys: Sequence[Hashable]) -> None:
        """Says of the last entries, one for each key, that they are of these keys; the last one's is the last one."""
        held = {start: key for key, (start, _) in self._kept.items()}
        held |= {(self._next - back) % self.size: key for back, key in enumerate(reversed(keys[-self.size :]), 1)}
        self._kept = {key: (start, start + 1) for start, key in held.items()}


class OnChip:
    """A ring for every memory.

    Attributes:
        weights, residual: vectors; activations: entries; parameters: blocks; table: entries, 0 being that of zeros.
        zeros: whether that entry is there.
        tile: the one that the array holds.
    """

    def __init__(self, machine: Machine) -> None:
        sizes = memory_sizes(machine, 0)
        self.weights = Ring(sizes[Space.WEIGHTS])
        self.activations = Ring(sizes[Space.ACTIVATIONS])
        self.parameters = Ring(PARAMETER_BLOCKS)
        self.residual = Ring(sizes[Space.RESIDUAL])
        self.table = Ring(TABLE_ENTRIES, first=1)
        self.zeros = False
        self.tile: tuple[int, int, int] | None = None

    def start(self) -> None:
        """A program starts: the memories keep what is in them, and the array holds no tile."""
        self.tile = None

    def enter(self, tile: tuple[int, int, int]) -> bool:
        """Whether a tile has to be loaded into the array; it is there afterwards.

        Args:
            tile: where its node's weights begin in memory, its column tile and its number.
        """
        needed = tile != self.tile
        self.tile = tile
        return needed
