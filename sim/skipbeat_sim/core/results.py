"""De-skew of the columns' sums and the queue in front of the result port."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.arrays import BoolArray, Int64Array
from skipbeat_arch.hardware import Hardware


class ResultBuffer:
    """Twin of the result queue: a memory of F entries per column, `level` counts complete items.

    Attributes:
        o: the item at the port, int64 [C] of unsigned bits, present when `o_valid`.
    """

    def __init__(self, hw: Hardware) -> None:
        self._cols, self._depth = hw.array.cols, hw.result_depth
        self._memory = np.zeros((self._depth, self._cols), np.int64)
        self._col = np.arange(self._cols)
        self.o = np.zeros(self._cols, np.int64)
        self.reset()

    def reset(self) -> None:
        """The queue becomes empty; its memory and what was read from it have no reset."""
        self._write = np.zeros(self._cols, np.int64)
        self._read = self._level = 0
        self.o_valid = False

    def evaluate(self, o_ready: bool) -> None:
        """Wire: `taken_o`."""
        self._ready = o_ready
        self.taken_o = self.o_valid and o_ready

    def update(self, push_i: BoolArray | None, sums_i: Int64Array) -> None:
        """End of a clock with `push_i` [C] (None: all 0) and `sums_i` [C]."""
        push, sums, ready = push_i, sums_i, self._ready
        read = self._level != 0 and (not self.o_valid or ready)
        if read:
            self.o = self._memory[self._read].copy()
            self._read = (self._read + 1) % self._depth
            self.o_valid = True
        elif ready:
            self.o_valid = False
        self._level -= read
        if push is not None and push.any():
            self._memory[self._write[push], self._col[push]] = sums[push]
            self._write += push
            self._write[self._write == self._depth] = 0
            self._level += bool(push[-1])
