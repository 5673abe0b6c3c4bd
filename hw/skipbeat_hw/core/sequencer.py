"""The pass sequencer: turns passes and bundles into steps of the array."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal, unsigned
from amaranth.hdl import Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.command import CoreError
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.ports import bundle_bits, control_fields, pass_fields, slot_bits
from skipbeat_arch.registers import Cause

from ..arguments import expect
from ..layouts import struct


class Sequencer(wiring.Component):
    """Issues one step per clock: the b slots of a beat for each pixel of a pass, pass after pass without a bubble.

    A pass that loads waits until the spare bank is full, swaps the banks and releases the other one. A beat begins when
    its bundle is there and, in a last pass, when the result buffer has room; once begun it is not interrupted. The
    bundle stays on the stream until the last step of its beat. A pass that reads the accumulators does not start before
    what it reads is written: one to three clocks late, and only after a pass of one to three pixels.

    Members
    -------
    passes: stream of `pass_fields`. activations: stream of [R] bundles. full_i: banks that hold a whole tile.
    release_o: banks that may be written again. taken_i: a result has left. halt_i: issue nothing more.
    bundles_o, slot_o, control_o: registered feed of the array, one clock after the step was issued; bundles_o means
    nothing while control_o is not valid.
    error_o: `CoreError` in the clock in which it is found. cause_o: `Cause`. rows_o: rows of the pass. opens_o: at a
    beat's first slot. active_o: in a pass. idle_o: no pass and no result left.
    """

    def __init__(self, hw: Hardware) -> None:
        expect(hw, Hardware)
        self.hw = hw
        bundles = data.ArrayLayout(unsigned(bundle_bits(hw)), hw.array.rows)
        super().__init__(
            {
                "passes": In(stream.Signature(struct(pass_fields(hw)))),
                "activations": In(stream.Signature(bundles)),
                "full_i": In(2),
                "release_o": Out(2),
                "taken_i": In(1),
                "halt_i": In(1),
                "bundles_o": Out(bundles),
                "slot_o": Out(unsigned(slot_bits(hw))),
                "control_o": Out(struct(control_fields(hw))),
                "error_o": Out(CoreError),
                "cause_o": Out(Cause),
                "rows_o": Out(7),
                "opens_o": Out(1),
                "active_o": Out(1),
                "idle_o": Out(1),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        current = Signal.like(self.passes.payload)
        null = Signal()
        bank = Signal(init=1)
        pixel = Signal.like(current.pixels)
        slot = Signal(self.hw.index_bits)
        amid = Signal()
        row_on = Signal(self.hw.array.rows)
        credits = Signal(range(self.hw.result_depth + 1), init=self.hw.result_depth)
        active = self.active_o

        # Known a clock ahead, so that neither a comparison nor a subtraction stands between a step and the next pass.
        close = Signal()
        at_end = Signal()
        before_end = Signal()
        credit_there = Signal(init=1)

        credit = Signal()
        issue = Signal()
        finish = Signal()
        opens_item = issue & ~amid & current.last
        m.d.comb += [
            credit.eq(~current.last | credit_there),
            issue.eq(active & ~self.halt_i & (amid | ((null | self.activations.valid) & credit))),
            self.activations.ready.eq(active & ~self.halt_i & ~null & close & (amid | credit)),
            finish.eq(issue & close & at_end),
            self.idle_o.eq(~active & (credits == self.hw.result_depth)),
        ]
        m.d.sync += [
            # What the step does to them is known last: both sums are there before it.
            credits.eq(Mux(opens_item, Mux(self.taken_i, credits, credits - 1), credits + self.taken_i)),
            credit_there.eq(self.taken_i | Mux(opens_item, credits > 1, credits != 0)),
        ]

        take = self._take(m, bank, issue, close, at_end)
        m.d.comb += [self.rows_o.eq(Mux(null, 0, current.rows)), self.opens_o.eq(~amid)]
        self._name_cause(m, issue, null | self.activations.valid)
        self._proceed(m, take, finish, issue, current, (slot, close), (pixel, at_end, before_end))
        with m.If(issue):
            m.d.sync += amid.eq(~close)
        offered = self.passes.payload
        with m.If(take):
            m.d.sync += [null.eq(offered.beat == 0), bank.eq(bank ^ offered.load)]
            rows = Mux(offered.beat == 0, 0, offered.rows)
            m.d.sync += row_on.eq(Cat(r < rows for r in range(len(row_on))))

        self._feed(m, issue, (amid, close), current, row_on, pixel, Cat(slot, bank))
        return m

    def _proceed(
        self,
        m: Module,
        take: Signal,
        finish: Signal,
        issue: Signal,
        current: data.View,
        step: tuple[Signal, Signal],
        beat: tuple[Signal, Signal, Signal],
    ) -> None:
        """From slot to slot, pixel to pixel and pass to pass; `step` and `beat` are numbers, each with its end, and
        of pixels also whether the next one is the last."""
        offered, (slot, close), (pixel, at_end, before_end) = self.passes.payload, step, beat
        #: Pixels that have not ended.
        left = Signal.like(current.pixels)
        with m.If(take):
            m.d.sync += [self.active_o.eq(1), pixel.eq(0), slot.eq(0), current.eq(offered)]
            m.d.sync += [close.eq(offered.one_step), at_end.eq(offered.one_pixel)]
            m.d.sync += [left.eq(offered.pixels), before_end.eq(offered.pixels == 2)]
            with m.If(offered.beat == 0):
                m.d.sync += current.beat.eq(1)
        with m.Else():
            with m.If(finish):
                m.d.sync += self.active_o.eq(0)
            with m.If(issue & close):
                m.d.sync += [slot.eq(0), close.eq(current.beat == 1)]
                m.d.sync += [pixel.eq(pixel + 1), left.eq(left - 1), at_end.eq(before_end), before_end.eq(left == 3)]
            with m.Elif(issue):
                m.d.sync += [slot.eq(slot + 1), close.eq(current.beat == slot + 2)]

    def _take(self, m: Module, bank: Signal, issue: Signal, close: Signal, at_end: Signal) -> Signal:
        """Whether the next pass starts in this clock; names a pass whose tile is not there.

        All but `issue` comes from registers, and waits for it.
        """
        offered = self.passes.payload
        #: The bank that a pass which loads gives free, if there is a tile in it.
        frees = Signal(2)
        take = Signal()
        loaded = ~offered.load | self.full_i.bit_select(~bank, 1)
        ended, ends = self._unsettled(m, take, issue & close)
        start = self.passes.valid & ~offered.stale & loaded
        idle = start & ~self.active_o & (offered.first | ~ended)
        ending = start & close & at_end & (offered.first | ~(ended | ends))
        m.d.comb += [
            take.eq(~self.halt_i & (idle | (issue & ending))),
            self.passes.ready.eq(take),
            self.release_o.eq(Mux(take & offered.load, frees, 0)),
        ]
        with m.If(self.passes.valid & offered.stale & ~self.halt_i & (~self.active_o | (issue & close & at_end))):
            m.d.comb += self.error_o.eq(CoreError.NO_SUCH_TILE)
        with m.If(take & offered.load):
            m.d.sync += frees.eq(Cat(bank, ~bank))
        return take

    def _unsettled(self, m: Module, take: Signal, pixel_ends: Value) -> tuple[Value, Value]:
        """Whether the next pass would read one of the first pixels less than 4 clocks after its last step.

        With b steps per pixel it reads pixel p in the clock 1 + p · b after it is taken. The first answer is of pixels
        that ended before this clock, the other one of the pixel that is under way, if it ends in this clock.
        """
        offered = self.passes.payload
        #: Which of the first three pixels is under way, and which of them ended one and two clocks ago.
        place = Signal(3, init=1)
        ended_1 = Signal(2)
        ended_2 = Signal()
        m.d.sync += [ended_1.eq(Mux(pixel_ends, place, 0)), ended_2.eq(ended_1[0])]
        with m.If(take):
            m.d.sync += place.eq(1)
        with m.Elif(pixel_ends):
            m.d.sync += place.eq(place << 1)
        ended = ended_1[0] | (ended_1[1] & offered.one_step) | ended_2
        return ended, place[0] | (place[1] & offered.two_steps) | (place[2] & offered.one_step)

    def _name_cause(self, m: Module, issue: Signal, bundle_there: Value) -> None:
        """What the array does in this clock."""
        offered = self.passes.payload
        with m.If(issue):
            m.d.comb += self.cause_o.eq(Cause.COMPUTE)
        with m.Elif(self.active_o & ~bundle_there):
            m.d.comb += self.cause_o.eq(Cause.ACTIVATION_WAIT)
        with m.Elif(self.active_o):
            m.d.comb += self.cause_o.eq(Cause.OUTPUT_WAIT)
        with m.Elif(self.passes.valid & offered.load):
            m.d.comb += self.cause_o.eq(Cause.TILE_WAIT)
        with m.Elif(self.passes.valid):
            m.d.comb += self.cause_o.eq(Cause.HAZARD)

    def _feed(
        self,
        m: Module,
        issue: Signal,
        ends: tuple[Signal, Signal],
        current: data.View,
        row_on: Signal,
        pixel: Signal,
        address: Cat,
    ) -> None:
        """The registers in front of the array; rows beyond the tile see zeros."""
        control, (amid, close) = self.control_o, ends
        m.d.sync += control.valid.eq(issue)
        with m.If(issue):
            m.d.sync += [
                control.open.eq(~amid),
                control.close.eq(close),
                control.first.eq(current.first),
                control.last.eq(current.last),
                control.pixel.eq(pixel),
                self.slot_o.eq(address),
            ]
        # Without a step they mean nothing; in a pass they are taken in any clock, as a step reaches so many bits late.
        # A row that is off is reset, which a register does by itself, if that does not wait for its enable.
        for r in range(self.hw.array.rows):
            with m.If(~row_on[r]):
                m.d.sync += self.bundles_o[r].eq(0)
            with m.Elif(self.active_o):
                m.d.sync += self.bundles_o[r].eq(self.activations.payload[r])
