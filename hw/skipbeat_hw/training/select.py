"""The selection of what stays: jobs, and both axes."""

from __future__ import annotations

from amaranth import Const, Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.hardware import Hardware
from skipbeat_arch.training.jobs import BLOCK_BITS, select_fields

from ..arguments import expect, expect_groups
from ..layouts import struct
from .select_lanes import ELEMENT, SelectLanes
from .turn import Turn


class Select(wiring.Component):
    """Vectors in, the same vectors with what is kept out, one per clock, job after job.

    Along the lanes, a vector is on `o` 6 clocks after it was taken. Along the time, M vectors are turned, selected and
    turned back; the first of them is on `o` M + 7 clocks after the last of them was taken, at the soonest. A job is
    taken when all vectors of the one before have left. Along the lanes `i.ready` follows `o.ready` in the same clock.

    Members
    -------
    jobs: stream of `select_fields`. i: stream of V bytes. o: stream of V elements {value, kept}.

    Raises
    ------
    ValueError: groups of one element, or V no multiple of M.
    """

    def __init__(self, hw: Hardware) -> None:
        expect(hw, Hardware)
        expect_groups(hw)
        self.hw = hw
        super().__init__(
            {
                "jobs": In(stream.Signature(struct(select_fields(hw)))),
                "i": In(stream.Signature(data.ArrayLayout(signed(8), hw.array.cols))),
                "o": Out(stream.Signature(data.ArrayLayout(ELEMENT, hw.array.cols))),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules.lanes = lanes = SelectLanes(self.hw)
        m.submodules.turn = turn = Turn(self.hw)
        m.submodules.back = back = Turn(self.hw, bits=ELEMENT.size, back=True)
        job = Signal.like(self.jobs.payload)
        busy = Signal()
        more = Signal()
        begin = Signal()
        self._count(m, job, busy, more, begin)
        time = job.along_time
        m.d.comb += [
            lanes.job_i.eq(job),
            lanes.begin_i.eq(begin),
            turn.i.payload.eq(self.i.payload),
            turn.i.valid.eq(self.i.valid & more & time),
            turn.o.ready.eq(lanes.i.ready & time),
            lanes.i.payload.eq(Mux(time, turn.o.payload.as_value(), self.i.payload.as_value())),
            lanes.i.valid.eq(Mux(time, turn.o.valid, self.i.valid & more)),
            self.i.ready.eq(more & Mux(time, turn.i.ready, lanes.i.ready)),
            back.i.payload.eq(lanes.o.payload.as_value()),
            back.i.valid.eq(lanes.o.valid & time),
            back.o.ready.eq(self.o.ready & time),
            lanes.o.ready.eq(Mux(time, back.i.ready, self.o.ready)),
            self.o.payload.eq(Mux(time, back.o.payload.as_value(), lanes.o.payload.as_value())),
            self.o.valid.eq(Mux(time, back.o.valid, lanes.o.valid)),
        ]
        return m

    def _count(self, m: Module, job: Signal, busy: Signal, more: Signal, begin: Signal) -> None:
        """Takes jobs, and counts the vectors that are still to come (`more`: there are some) and to leave."""
        entering, leaving = (Signal(BLOCK_BITS + self.hw.index_bits, name=name) for name in ("entering", "leaving"))
        start = Signal()
        vectors = self.jobs.payload.blocks << Const(self.hw.index_bits)
        m.d.comb += [self.jobs.ready.eq(~busy), start.eq(self.jobs.valid & ~busy)]
        m.d.sync += begin.eq(start)
        with m.If(start):
            m.d.sync += [job.eq(self.jobs.payload), entering.eq(vectors), leaving.eq(vectors)]
            m.d.sync += [busy.eq(self.jobs.payload.blocks != 0), more.eq(self.jobs.payload.blocks != 0)]
        with m.Else():
            with m.If(self.i.valid & self.i.ready):
                m.d.sync += [entering.eq(entering - 1), more.eq(entering != 1)]
            with m.If(self.o.valid & self.o.ready):
                m.d.sync += [leaving.eq(leaving - 1), busy.eq(leaving != 1)]
