"""Packs what was selected as the row of a tile lies in memory."""

from __future__ import annotations

from collections import deque

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.training.packing import packed
from skipbeat_arch.training.turning import turn_back


class Pack:
    """Twin of the packing. `update` ends a clock.

    Attributes:
        o: the vector on offer, int64 [V] of bytes, None while there is none.
    """

    def __init__(self, hw: Hardware) -> None:
        self._group = hw.array.group
        self.reset()

    def reset(self) -> None:
        """Nothing is inside."""
        self._numbered: Int64Array | None = None
        self._entering: list[Int64Array] = []
        self._leaving: deque[Int64Array] = deque()

    @property
    def i_ready(self) -> bool:
        """The bundles that came before have room in their block, or there are none."""
        return self._numbered is None or self._room

    @property
    def o(self) -> Int64Array | None:
        """The lowest vector of the block that leaves."""
        return self._leaving[0] if self._leaving else None

    @property
    def _full(self) -> bool:
        return len(self._entering) == self._group

    @property
    def _room(self) -> bool:
        return not (self._full and self._leaving)

    def update(self, n_i: int, i: Int64Array | None, o_ready: bool) -> None:
        """End of a clock with a vector on the stream, int64 [V] of elements {value: 8 bits, kept: 1}, if not None."""
        ready, room = self.i_ready, self._room
        if self._leaving:
            if o_ready:
                self._leaving.popleft()
        elif self._full:
            self._leaving.extend(self._packed(n_i))
            self._entering = []
        if self._numbered is not None and room:
            self._entering.append(self._numbered)
        if ready:
            self._numbered = i

    def _packed(self, n: int) -> Int64Array:
        """The vectors of the block that has entered."""
        elements = turn_back(np.array(self._entering), self._group)
        values = (elements & 0xFF).astype(np.uint8).view(np.int8)
        (block,) = packed(values, elements >> 8 == 1, self._group, n)
        return np.asarray(block, np.int64)
