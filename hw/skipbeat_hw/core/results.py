"""The result buffer: takes the columns' sums as the wavefront brings them and gives out whole items."""

from __future__ import annotations

from itertools import pairwise

from amaranth import Module, Mux, Signal, signed
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.hardware import Hardware

from ..arguments import expect
from ..memories import NO_COLLISION


class ResultBuffer(wiring.Component):
    """A queue of `hw.result_depth` items that is written column by column and read item by item.

    It cannot refuse a sum; the sequencer holds a credit for every item that may still come, so nothing is written where
    an item still lies. A column is pushed a clock after the one before it, and to the same place. An item is on `o` 2
    clocks after its last column was pushed, if no item is before it. One item per clock.

    Members
    -------
    push_i: [C] bits; sums_i: [C]. o: stream of [C] sums. taken_o: an item leaves in this clock.
    """

    def __init__(self, hw: Hardware) -> None:
        expect(hw, Hardware)
        self.depth, self.cols = hw.result_depth, hw.array.cols
        item = data.ArrayLayout(signed(hw.numbers.accumulator_bits), self.cols)
        super().__init__(
            {"push_i": In(self.cols), "sums_i": In(item), "o": Out(stream.Signature(item)), "taken_o": Out(1)}
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        level = Signal(range(self.depth + 1))
        pointer = Signal(range(self.depth))
        # Known a clock ahead: the level is not 0.
        some = Signal()
        read_now = Signal()
        push = self.push_i[-1]
        m.d.comb += [read_now.eq(some & (~self.o.valid | self.o.ready)), self.taken_o.eq(self.o.valid & self.o.ready)]
        m.d.sync += some.eq(push | Mux(read_now, level > 1, some))
        # Whether something is read is known last.
        with m.If(push ^ read_now):
            m.d.sync += level.eq(level + Mux(push, 1, -1))
        with m.If(read_now):
            m.d.sync += [pointer.eq(pointer + 1), self.o.valid.eq(1)]
        with m.Elif(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        places = [Signal(range(self.depth), name=f"place_{c}") for c in range(self.cols)]
        m.d.sync += places[0].eq(Mux(self.push_i[0], places[0] + 1, places[0]))
        m.d.sync += [later.eq(earlier) for earlier, later in pairwise(places)]
        for c in range(self.cols):
            column = memory.Memory(shape=self.sums_i.shape().elem_shape, depth=self.depth, init=[], attrs=NO_COLLISION)
            m.submodules[f"column_{c}"] = column
            read, write = column.read_port(), column.write_port()
            m.d.comb += [
                write.addr.eq(places[c]),
                write.data.eq(self.sums_i[c]),
                write.en.eq(self.push_i[c]),
                read.addr.eq(pointer),
                read.en.eq(read_now),
                self.o.payload[c].eq(read.data),
            ]
        return m
