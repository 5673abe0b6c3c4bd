"""How many steps a node's groups take for an order of its input or output channels, kept up to date swap by swap."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.arrays import Bytes, Int64Array


class Inputs:
    """A node whose input channels are permuted: b is that of M neighbouring channels, for each tap and column tile.

    Args:
        nonzero: uint8 [C, V, columns]: channels in their present order; a column is a tap and column tile.
        group: M.
    """

    def __init__(self, nonzero: Bytes, group: int) -> None:
        self._nonzero, self._group = nonzero, group
        channels = len(nonzero)
        padded = np.zeros((-(-channels // group) * group, *nonzero.shape[1:]), np.uint8)
        padded[:channels] = nonzero
        self._counts = padded.reshape(-1, group, *nonzero.shape[1:]).sum(axis=1, dtype=np.uint8)
        self._sums = _sums(self._counts)
        self.work = 2 * nonzero[0].size

    def changes(self, place: int, others: Int64Array) -> Int64Array:
        """See `swap_search.View`."""
        own, groups = place // self._group, others // self._group
        mine, theirs = self._nonzero[place], self._nonzero[others]
        there = self._counts[groups] - theirs + mine
        here = self._counts[own] - mine + theirs
        found = _sums(here) + _sums(there) - self._sums[own] - self._sums[groups]
        return np.where(groups == own, 0, found)

    def swap(self, place: int, other: int) -> None:
        """See `swap_search.View`."""
        own, their = place // self._group, other // self._group
        moved = self._nonzero[other] - self._nonzero[place]  # modulo 256, as all of it
        self._counts[own] += moved
        self._counts[their] -= moved
        self._nonzero[[place, other]] = self._nonzero[[other, place]]
        self._sums[[own, their]] = _sums(self._counts[[own, their]])


class Outputs:
    """A node whose output channels are permuted: b is the most that any of V neighbours has in a group.

    Args:
        counts: nonzeros of every group of inputs, uint8 [K, groups], outputs in their present order.
        vector: V.
    """

    def __init__(self, counts: Bytes, vector: int) -> None:
        self._counts, self._vector = counts, vector
        self._first = np.zeros((-(-len(counts) // vector), counts.shape[1]), np.uint8)
        self._second = np.zeros_like(self._first)
        for tile in range(len(self._first)):
            self._measure(tile)
        self.work = 2 * counts.shape[1]

    def changes(self, place: int, others: Int64Array) -> Int64Array:
        """See `swap_search.View`."""
        own, tiles = place // self._vector, others // self._vector
        mine, theirs = self._counts[place], self._counts[others]
        here = np.maximum(self._without(mine, own), theirs)
        there = np.maximum(self._without(theirs, tiles), mine)
        before = self._first.sum(axis=1, dtype=np.int64)
        found = here.sum(axis=1, dtype=np.int64) + there.sum(axis=1, dtype=np.int64) - before[own] - before[tiles]
        return np.where(tiles == own, 0, found)

    def swap(self, place: int, other: int) -> None:
        """See `swap_search.View`."""
        self._counts[[place, other]] = self._counts[[other, place]]
        self._measure(place // self._vector)
        self._measure(other // self._vector)

    def _without(self, counts: Bytes, tiles: Int64Array | int) -> Bytes:
        """b of column tiles without one of their outputs, whose counts are given."""
        first = self._first[tiles]
        return np.where(counts == first, self._second[tiles], first)

    def _measure(self, tile: int) -> None:
        """The two largest counts of each group among the outputs of a column tile."""
        part = self._counts[tile * self._vector : (tile + 1) * self._vector]
        ordered = np.sort(part, axis=0)
        self._first[tile] = ordered[-1]
        self._second[tile] = ordered[-2] if len(part) > 1 else 0


def _sums(counts: Bytes) -> Int64Array:
    """The sum of b: the most nonzeros of V outputs, uint8 [n, V, columns] as int64 [n]."""
    return np.asarray(counts.max(axis=1).sum(axis=1, dtype=np.int64))
