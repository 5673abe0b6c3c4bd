"""De-skew of the columns' sums and the queue in front of the result port."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from skipbeat_arch import ports
from skipbeat_arch.arrays import BoolArray, Int64Array
from skipbeat_arch.hardware import Hardware


class ResultBuffer:
    """Twin of the result queue: a memory of F entries per column, `level` counts complete items.

    Natively the item at the port is `payload`, int64 [C] of unsigned bits, present when `valid`.
    """

    def __init__(self, hw: Hardware) -> None:
        self._bits = hw.numbers.accumulator_bits
        self._cols, self._depth = hw.array.cols, hw.result_depth
        self._memory = np.zeros((self._depth, self._cols), np.int64)
        self._col = np.arange(self._cols)
        self.payload = np.zeros(self._cols, np.int64)
        self.reset()

    def reset(self) -> None:
        """The queue becomes empty; its memory and what was read from it have no reset."""
        self._write = np.zeros(self._cols, np.int64)
        self._read = self._level = 0
        self.valid = False

    def update(self, push: BoolArray | None, sums: Int64Array, ready: bool) -> None:
        """End of a clock with `push_i` [C] (None: all 0), `sums_i` [C] and the port's `ready`."""
        read = self._level != 0 and (not self.valid or ready)
        if read:
            self.payload = self._memory[self._read].copy()
            self._read = (self._read + 1) % self._depth
            self.valid = True
        elif ready:
            self.valid = False
        self._level -= read
        if push is not None and push.any():
            self._memory[self._write[push], self._col[push]] = sums[push]
            self._write += push
            self._write[self._write == self._depth] = 0
            self._level += bool(push[-1])

    def outputs(self, inputs: Mapping[str, int]) -> dict[str, int]:
        """Values of the output ports: the stream `o` of [C] sums, and `taken_o`."""
        return {
            "o__payload": ports.pack_array(self.payload.tolist(), self._bits),
            "o__valid": int(self.valid),
            "taken_o": int(self.valid and bool(inputs["o__ready"])),
        }

    def tick(self, inputs: Mapping[str, int]) -> None:
        """End of the clock. `push_i` [C] bits, `sums_i` [C]."""
        push = np.array(ports.unpack_array(inputs["push_i"], self._cols, 1), np.bool_)
        sums = np.array(ports.unpack_array(inputs["sums_i"], self._cols, self._bits), np.int64)
        self.update(push, sums, bool(inputs["o__ready"]))
        if inputs.get("rst", 0):
            self.reset()
