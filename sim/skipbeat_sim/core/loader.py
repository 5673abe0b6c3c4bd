"""Two banks: one is loaded while the array computes from the other."""

from __future__ import annotations

import numpy as np

from skipbeat_arch import ports
from skipbeat_arch.arrays import Int32Array
from skipbeat_arch.hardware import Hardware

from .aligner import Write
from .skew import Skew


class WeightLoader:
    """Twin of the loader. `evaluate` sets the wires of the clock, `update` ends it.

    Attributes:
        full_o, write_enable_o: a bit for each bank, and for each row.
    """

    def __init__(self, hw: Hardware) -> None:
        self._hw = hw
        self._sign = 1 << (hw.numbers.weight_bits - 1)
        self._skew = Skew(lanes=hw.array.cols, width=ports.word_bits(ports.pe_weight_fields(hw)), parts=2)
        self.reset()

    def reset(self) -> None:
        """The banks become empty; the skew has no reset."""
        self._bank, self._banks, self.full_o = 0, (0, 0), 0
        self._write: Write | None = None

    @property
    def bank_ok_o(self) -> bool:
        """The spare bank may be written."""
        return not self.full_o >> self._bank & 1

    @property
    def bank(self) -> int:
        """The bank that `write_address_o` names in this clock: that of two clocks ago."""
        return self._banks[1]

    def evaluate(self, write_i: Write | None) -> None:
        """Wires: the array's write ports; None is a write that is not enabled."""
        self._write = write_i
        row, slot = (0, 0) if write_i is None else (write_i.row, write_i.slot)
        self.write_enable_o = 1 << row if write_i is not None and write_i.enable else 0
        self.write_address_o = slot + (self.bank << self._hw.index_bits)

    @property
    def weights_o(self) -> list[int]:
        """{value, index} of each column, words; there must be a write, enabled or not."""
        bits = self._hw.numbers.weight_bits
        lanes = [] if self._write is None else self._skew.peek(self._lanes(self._write)).tolist()
        return [value & ((1 << bits) - 1) | index << bits for value, index in lanes]

    def shift(self) -> Int32Array:
        """The same as int32 [C, 2]; once in a clock, whose writes then are on their way."""
        if self._write is None:
            self._skew.skip()
        else:
            self._skew.push(self._lanes(self._write))
        self._write = None
        return self._skew.view()

    def _lanes(self, write: Write) -> Int32Array:
        lanes = np.array((write.values, write.index), np.int32).T
        lanes[:, 0] = (lanes[:, 0] ^ self._sign) - self._sign
        return lanes

    def update(self, done_i: bool, release_i: int) -> None:
        """End of the clock; `release_i` has a bit for each bank."""
        if self._write is not None:
            self.shift()
        self._banks = (self._bank, self._banks[0])
        if done_i:
            self.full_o |= 1 << self._bank
            self._bank = 1 - self._bank
        self.full_o &= ~release_i
