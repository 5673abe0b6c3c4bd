"""How much of a weight N:M pruning keeps for an order of its input channels, kept up to date swap by swap."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.arrays import FloatArray, Floats, Int64Array
from skipbeat_arch.pattern import Pattern


class KeptView:
    """A layer whose input channels are permuted before it is pruned; its cost is the magnitude that is dropped.

    In a group, what is kept with a channel x in one of its places is the sum of the N - 1 largest of the others, and
    the larger of x and the next one. Both are known for every place, so that a swap is valued by two maxima.

    Args:
        magnitude: float [C, columns] of the channels in their present order; a column is a tap and an output.
        pattern: N:M.
    """

    def __init__(self, magnitude: Floats, pattern: Pattern) -> None:
        self._values = magnitude.astype(np.float32)
        self._n, self._m = pattern.n, pattern.m
        self._next = np.zeros_like(self._values)
        self._kept = np.zeros(len(magnitude))
        for group in range(-(-len(magnitude) // self._m)):
            self._measure(group)
        self.work = 2 * magnitude.shape[1]

    def changes(self, place: int, others: Int64Array) -> FloatArray:
        """See `swap_search.View`."""
        here = np.maximum(self._values[others], self._next[place]).sum(axis=1, dtype=np.float32)
        there = np.maximum(self._next[others], self._values[place]).sum(axis=1, dtype=np.float32)
        found = self._kept[place] + self._kept[others] - here - there
        return np.where(others // self._m == place // self._m, 0, found)

    def swap(self, place: int, other: int) -> None:
        """See `swap_search.View`."""
        self._values[[place, other]] = self._values[[other, place]]
        self._measure(place // self._m)
        self._measure(other // self._m)

    def _measure(self, group: int) -> None:
        """For each channel of a group, what would be dropped first beside it, and what its own place keeps."""
        first = group * self._m
        values = self._values[first : first + self._m]
        falling = -np.sort(-values, axis=0)
        last = falling[min(self._n, len(values)) - 1]
        beyond = falling[self._n] if len(values) > self._n else np.zeros_like(last)
        self._next[first : first + self._m] = np.where(values >= last, beyond, last)
        self._kept[first : first + self._m] = np.maximum(self._next[first : first + self._m], values).sum(axis=1)
