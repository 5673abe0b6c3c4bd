"""The result buffer: takes the columns' sums as the wavefront brings them and gives out whole items."""

from __future__ import annotations

from itertools import pairwise

from amaranth import Module, Mux, Signal, signed
from amaranth.hdl import Value
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.hardware import Hardware

from ..arguments import expect
from ..memories import LUT_ENTRIES, NO_COLLISION


class ResultBuffer(wiring.Component):
    """A queue of `hw.result_depth` items that is written column by column and read item by item.

    It cannot refuse a sum; the sequencer holds a credit for every item that may still come, so nothing is written where
    an item still lies. A column is pushed a clock after the one before it, and to the same place. An item is on `o` 2
    clocks after its last column was pushed, if no item is before it. One item per clock.

    A column of twice as many entries as a LUT memory has, but for the last one, is two of these, one behind the other,
    with no multiplexer behind them. A sum goes on to the second as soon as there is room, in the clock after it was
    pushed if there is; the last column's is pushed in that clock or later. So all columns of an item that is read are
    there, with up to 16 columns also of one that waited for room.

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
        #: Columns of two memories, the first ones.
        self.halved = self.cols - 1 if self.depth == 2 * LUT_ENTRIES and self.cols <= LUT_ENTRIES else 0

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        pointer = Signal(range(self.depth))
        after = Signal.like(pointer, init=1)
        # Known a clock ahead: there is a complete item.
        some = Signal()
        read_now = Signal()
        places = self._delayed(m, "place", Signal.like(pointer, name="place_0"), self.cols)
        m.d.sync += places[0].eq(Mux(self.push_i[0], places[0] + 1, places[0]))
        m.d.comb += [read_now.eq(some & (~self.o.valid | self.o.ready)), self.taken_o.eq(self.o.valid & self.o.ready)]
        # Whether something is read is known last.
        m.d.sync += some.eq(self.push_i[-1] | Mux(read_now, places[-1] != after, some))
        with m.If(read_now):
            m.d.sync += [pointer.eq(after), after.eq(after + 1), self.o.valid.eq(1)]
        with m.Elif(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        goes_on = self._move(m, places[0], pointer)
        for c in range(self.cols):
            pushed, sums = (self.push_i[c], places[c]), self.sums_i[c]
            if c < self.halved:
                pushed, sums = goes_on[c], self._first(m, c, pushed, goes_on[c][1], sums)
            depth = self.depth // 2 if c < self.halved else self.depth
            column = self._memory(m, f"column_{c}", depth, pushed, sums)
            read = column.read_port()
            m.d.comb += [read.addr.eq(pointer), read.en.eq(read_now), self.o.payload[c].eq(read.data)]
        return m

    def _delayed(self, m: Module, name: str, first: Signal, count: int) -> list[Signal]:
        """A register of each column: column 0's, and those that follow it a clock after each other."""
        found = [first, *(Signal.like(first, name=f"{name}_{c}") for c in range(1, count))]
        m.d.sync += [later.eq(earlier) for earlier, later in pairwise(found)]
        return found

    def _move(self, m: Module, place: Signal, pointer: Signal) -> list[tuple[Value, Value]]:
        """Of each column of two memories: whether a sum goes on to the second one, and to which place."""
        if not self.halved:
            return []
        moved, moves, full = Signal.like(place, name="moved_0"), Signal(name="moves_0"), Signal()
        half = len(place) - 1
        m.d.comb += [
            full.eq((moved[:half] == pointer[:half]) & (moved[half] != pointer[half])),
            moves.eq((place != moved) & ~full),
        ]
        m.d.sync += moved.eq(moved + moves)
        both = (self._delayed(m, name, first, self.halved) for name, first in (("moves", moves), ("moved", moved)))
        return list(zip(*both, strict=True))

    def _first(self, m: Module, c: int, pushed: tuple[Value, Value], place: Value, sums: Value) -> Value:
        """What the first memory of a column has at a place."""
        read = self._memory(m, f"first_{c}", self.depth // 2, pushed, sums).read_port(domain="comb")
        m.d.comb += read.addr.eq(place)
        return read.data

    def _memory(self, m: Module, name: str, depth: int, pushed: tuple[Value, Value], sums: Value) -> memory.Memory:
        """A column's memory, and what is written to it: whether, and to which place."""
        made = memory.Memory(shape=self.sums_i.shape().elem_shape, depth=depth, init=[], attrs=NO_COLLISION)
        m.submodules[name] = made
        write = made.write_port()
        m.d.comb += [write.en.eq(pushed[0]), write.addr.eq(pushed[1]), write.data.eq(sums)]
        return made
