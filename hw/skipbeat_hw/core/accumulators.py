"""The accumulators at the foot of the array: slots of a beat, then passes along the reduction axis."""

from __future__ import annotations

from amaranth import Const, Module, Mux, ResetSignal, Signal, signed
from amaranth.hdl import Value
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.hardware import Hardware
from skipbeat_arch.ports import control_fields

from ..arguments import expect
from ..layouts import struct
from ..memories import NO_COLLISION
from .cells import place


class AccumulatorColumn(wiring.Component):
    """One column: a single adder that sums the b psums of a pixel onto what earlier passes left.

    `control_i` comes two clocks before the psum that it belongs to, and leaves as `control_o` one clock later for the
    next column. A finished sum is in `sum_o` 3 clocks after its last psum's control: with `push_o` if the pass is the
    last one, in the memory otherwise. One psum per clock, no stall. What the memory gives is registered once more
    before it is added. An entry that a pass wrote may be read 4 clocks after the last control that wrote it, no
    earlier; the sequencer keeps that distance, so an entry is never read and written in the same clock.
    """

    def __init__(self, hw: Hardware) -> None:
        expect(hw, Hardware)
        self.hw = hw
        self.depth = max(2, hw.accumulators.depth)
        control = struct(control_fields(hw))
        total = signed(hw.numbers.accumulator_bits)
        super().__init__(
            {
                "control_i": In(control),
                "control_o": Out(control),
                "psum_i": In(signed(hw.psum_bits)),
                "push_o": Out(1),
                "sum_o": Out(total),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        total = self.sum_o.shape()
        m.submodules.sums = sums = memory.Memory(shape=total, depth=self.depth, init=[], attrs=NO_COLLISION)
        read, write = sums.read_port(), sums.write_port()
        # Three stages of control: beside what the memory gives, beside the psum, and beside the finished sum.
        beside_read, beside_psum, beside_sum = (
            Signal.like(self.control_i, name=f"beside_{what}", reset_less=True) for what in ("read", "psum", "sum")
        )
        read_valid, psum_valid, sum_valid = (Signal(name=f"{what}_valid") for what in ("read", "psum", "sum"))
        # As the memory's own register can be, without a condition.
        entry = Signal(total, reset_less=True)
        m.d.sync += [
            beside_read.eq(self.control_i),
            beside_psum.eq(beside_read),
            beside_sum.eq(beside_psum),
            read_valid.eq(self.control_i.valid),
            psum_valid.eq(read_valid),
            sum_valid.eq(psum_valid),
            entry.eq(read.data),
        ]
        m.d.comb += [
            self.control_o.eq(beside_read),
            self.control_o.valid.eq(read_valid),
            read.addr.eq(self.control_i.pixel),
            read.en.eq(self.control_i.valid & self._opens(self.control_i) & ~self.control_i.first),
        ]
        running = Signal(total, reset_less=True)
        # What a psum is added to if not to the entry: the sum before it, or zero where a first pass begins.
        earlier = Signal(total, reset_less=True)
        takes = Signal()
        added = Signal(total)
        m.d.sync += takes.eq(self._opens(beside_read) & ~beside_read.first)
        m.d.comb += added.eq(Mux(takes, entry, earlier) + self.psum_i)
        with m.If(psum_valid):
            m.d.sync += [running.eq(added), earlier.eq(added)]
        # In a reset the first psum goes nowhere.
        with m.If(read_valid & beside_read.first & self._opens(beside_read) & ~ResetSignal(allow_reset_less=True)):
            m.d.sync += earlier.eq(0)
        finished = Signal()
        stores = Signal()
        m.d.comb += [
            finished.eq(sum_valid & beside_sum.close),
            stores.eq(finished & ~beside_sum.last),
            self.push_o.eq(finished & beside_sum.last),
            self.sum_o.eq(running),
            write.addr.eq(beside_sum.pixel),
            write.data.eq(running),
            write.en.eq(stores),
        ]
        return m

    def _opens(self, control: data.View) -> Value:
        """A beat begins; with M = 1 each step is one."""
        return Const(1) if self.hw.is_dense else control.open


class Accumulators(wiring.Component):
    """The columns side by side; the control passes from column to column, one clock each.

    Members
    -------
    control_i: control of column 0, two clocks before its psum. psums_i: [C]. push_o: [C] bits; sums_o: [C].
    """

    def __init__(self, hw: Hardware) -> None:
        expect(hw, Hardware)
        self.hw, self.cols = hw, hw.array.cols
        super().__init__(
            {
                "control_i": In(struct(control_fields(hw))),
                "psums_i": In(data.ArrayLayout(signed(hw.psum_bits), self.cols)),
                "push_o": Out(self.cols),
                "sums_o": Out(data.ArrayLayout(signed(hw.numbers.accumulator_bits), self.cols)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        control = self.control_i.as_value()
        for c in range(self.cols):
            passed = Signal(len(control), name=f"control_{c}")
            total = Signal(self.sums_o.shape().elem_shape, name=f"sum_{c}")
            place(
                m,
                platform,
                f"column_{c}",
                "skipbeat_accumulator",
                lambda: AccumulatorColumn(self.hw),
                control_i=control,
                control_o=passed,
                psum_i=self.psums_i[c],
                push_o=self.push_o[c],
                sum_o=total,
            )
            m.d.comb += self.sums_o[c].eq(total)
            control = passed
        return m
