"""The weight loader: which bank is written, which is full, and the skewed buses into the array."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.hardware import Hardware
from skipbeat_arch.ports import slot_bits, write_fields

from ..arguments import expect
from ..layouts import struct
from .skew import Skew


class WeightLoader(wiring.Component):
    """Writes one slot of a whole row per clock into the spare bank.

    Column c is written c clocks after column 0, as the wavefront of the computation passes it, so a bank can be
    written again as soon as the last step that reads it has been issued.

    Members
    -------
    write_i: `write_fields`, 2 clocks after the slot was taken. done_i: the tile's last slot is taken; the bank is full.
    release_i: [2] bits, the array is done with a bank. bank_ok_o: the bank that is written next is free.
    full_o: [2] bits. write_enable_o: [R] bits, write_address_o: {bank, slot}, weights_o: [C] of {value, index}.
    """

    def __init__(self, hw: Hardware) -> None:
        expect(hw, Hardware)
        self.hw = hw
        weight_bits = hw.numbers.weight_bits + hw.index_bits
        super().__init__(
            {
                "write_i": In(struct(write_fields(hw))),
                "done_i": In(1),
                "release_i": In(2),
                "bank_ok_o": Out(1, init=1),
                "full_o": Out(2),
                "write_enable_o": Out(hw.array.rows),
                "write_address_o": Out(unsigned(slot_bits(hw))),
                "weights_o": Out(data.ArrayLayout(unsigned(weight_bits), hw.array.cols)),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        cols = self.hw.array.cols
        bank = Signal()
        bank_1 = Signal()
        bank_2 = Signal()
        m.d.sync += [bank_1.eq(bank), bank_2.eq(bank_1), bank.eq(bank ^ self.done_i)]
        # No enable of registers: what is released is known last. Whether the next bank is free is known a clock ahead.
        kept = self.full_o & ~self.release_i
        m.d.sync += self.full_o.eq(Cat(self.done_i & ~bank, self.done_i & bank) | kept)
        m.d.sync += self.bank_ok_o.eq(~Mux(bank ^ self.done_i, kept[1], kept[0]))
        m.submodules.skew = skew = Skew(width=self.hw.numbers.weight_bits + self.hw.index_bits, lanes=cols)
        m.d.comb += [self.write_address_o.eq(Cat(self.write_i.slot, bank_2)), self.weights_o.eq(skew.o)]
        for r in range(self.hw.array.rows):
            m.d.comb += self.write_enable_o[r].eq(self.write_i.enable & (self.write_i.row == r))
        for c in range(cols):
            m.d.comb += skew.i[c].eq(Cat(self.write_i.values[c], self.write_i.index[c]))
        return m
