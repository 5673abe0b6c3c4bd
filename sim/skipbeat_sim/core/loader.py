"""Two banks: one is loaded while the array computes from the other."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from skipbeat_arch import ports
from skipbeat_arch.arrays import Int32Array
from skipbeat_arch.hardware import Hardware

from .aligner import Write
from .skew import Skew


class WeightLoader:
    """Twin of the loader. `offer` gives the array's write ports for the clock, `update` ends it."""

    def __init__(self, hw: Hardware) -> None:
        self._hw = hw
        self._sign = 1 << (hw.numbers.weight_bits - 1)
        self._skew = Skew(hw.array.cols, ports.word_bits(ports.pe_weight_fields(hw)), parts=2)
        self.reset()

    def reset(self) -> None:
        """The banks become empty; the skew has no reset."""
        self._bank, self._banks, self.full = 0, (0, 0), [False, False]

    @property
    def bank_ok(self) -> bool:
        """`bank_ok_o`: the spare bank may be written."""
        return not self.full[self._bank]

    @property
    def bank(self) -> int:
        """The bank that `write_address_o` names in this clock: that of two clocks ago."""
        return self._banks[1]

    def offer(self, write: Write | None) -> Int32Array:
        """`weights_o` int32 [C, 2] of {signed value, index} for the `write_i` of the clock (None: not enabled).

        Call once per clock.
        """
        if write is None:
            self._skew.skip()
        else:
            self._skew.push(self._lanes(write.values(), write.op.index))
        return self._skew.view()

    def _lanes(self, values: list[int], index: list[int]) -> Int32Array:
        lanes = np.array((values, index), np.int32).T
        lanes[:, 0] = (lanes[:, 0] ^ self._sign) - self._sign
        return lanes

    def update(self, done: bool, release: int | None) -> None:
        """End of a clock with `done_i` and the bank that `release_i` names, if any."""
        self._banks = (self._bank, self._banks[0])
        if done:
            self.full[self._bank] = True
            self._bank = 1 - self._bank
        if release is not None:
            self.full[release] = False

    def outputs(self, inputs: Mapping[str, int]) -> dict[str, int]:
        """Values of the output ports.

        `write_i` is a `write_fields` word; `weights_o` [C] of `pe_weight_fields`; `full_o` [2], `release_i` [2] and
        `write_enable_o` [R] are bits.
        """
        hw = self._hw
        fields = ports.unpack(ports.write_fields(hw), inputs["write_i"])
        weight = ports.pe_weight_fields(hw)
        weights = self._skew.peek(self._input(inputs)).tolist()
        words = [ports.pack(weight, {"value": value, "index": index}) for value, index in weights]
        return {
            "bank_ok_o": int(self.bank_ok),
            "full_o": ports.pack_array(self.full, 1),
            "write_enable_o": fields["enable"] << fields["row"],
            "write_address_o": fields["slot"] | self.bank << hw.index_bits,
            "weights_o": ports.pack_array(words, ports.word_bits(weight)),
        }

    def tick(self, inputs: Mapping[str, int]) -> None:
        """End of the clock."""
        self._skew.push(self._input(inputs))
        release = inputs["release_i"]
        self.update(bool(inputs["done_i"]), None if release == 0 else release >> 1)
        if release == 3:
            self.full[0] = False
        if inputs.get("rst", 0):
            self.reset()

    def _input(self, inputs: Mapping[str, int]) -> Int32Array:
        fields, cols = ports.unpack(ports.write_fields(self._hw), inputs["write_i"]), self._hw.array.cols
        values = ports.unpack_array(fields["values"], cols, self._hw.numbers.weight_bits)
        return self._lanes(values, ports.unpack_array(fields["index"], cols, self._hw.index_bits))
