"""What is proved of the output stage where it stores gradients: what its lanes are given, and what becomes of bytes."""

from __future__ import annotations

from typing import Any, ClassVar

from amaranth.hdl import Assert, Assume, Cat, Cover, Module, Mux, Signal, Value, signed
from amaranth.lib.wiring import Component

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import PARAMETER_PITCH, Machine
from skipbeat_arch.machine_ports import store_fields
from skipbeat_hw.layouts import struct
from skipbeat_hw.machine.gradient_lanes import GradientLanes
from skipbeat_hw.machine.requantise import Requantiser
from skipbeat_hw.tools.formal import register
from tests.hw.core.formal_invariants import Wrapped
from tests.hw.machine.formal_parts import Around, StableFifo, implies

#: Four columns, of which two are sent in a clock.
MACHINE = Machine.of(load_hardware("tiny-4x4", ["outputs.lanes=2", "outputs.gradients=true"]))
COLS, LANES = 4, 2
#: Vectors of a block's biases and that of its shifts; bytes of a vector are as many as columns.
BIASES, SHIFTS = 4, 12
#: Clocks from sums to their bytes, and from a noted job's columns to what is shifted of them.
LATE, SCALED = 7, 4


class LanesRules(Wrapped):
    """Bytes come 7 clocks after their sums, as rounding made them; just sums and clips of these, and what noted columns
    tell 4 and 7 clocks later, are noted; for ever."""

    def __init__(self, lanes: Component) -> None:
        super().__init__(lanes)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        inside = self.place(m)
        rounding = next(part for part, *_ in inside.subfragments)
        there, made = register(rounding, "there"), register(rounding, "o__payload")
        came = Signal(LATE)
        m.d.sync += came.eq(Cat(self.valid_i, came[:-1]))
        near = Signal(LATE)
        m.d.sync += near.eq(Cat(self.nearest_i, near[:-1]))
        values = Cat(made[9 * lane : 9 * lane + 8] for lane in range(LANES))
        clips = Cat(made[9 * lane + 8] for lane in range(LANES))
        held = [Signal(8 * LANES, name=f"held_{age}") for age in range(3)]
        m.d.sync += [after.eq(before) for before, after in zip((values, *held), held, strict=False)]
        for age, ghost in enumerate(held):
            later = register(inside, f"bytes_{age}")
            m.d.comb += Assert(later == Cat(came[4 + age], ghost))
        noted = self.noted_o
        m.d.comb += [
            Assert(there == came[:4]),
            Assert(register(inside, "inside") == near),
            Assert(self.bytes_o.valid == came[-1]),
            Assert(self.bytes_o.data == held[-1]),
            Assert(noted.valid == (self.valid_i | came[3] | near[SCALED - 1] | near[-1])),
            Assert(noted.clipped == (Mux(came[3], clips, 0) | Mux(near[-1], self.clipped_i, 0))),
            *(
                Assert(told.as_signed() == Mux(self.valid_i, given, Mux(near[SCALED - 1], scaled, 0)))
                for told, given, scaled in zip(noted.sums, self.sums_i, self.scaled_i, strict=True)
            ),
            Cover(self.bytes_o.valid & self.noted_o.clipped.all()),
            Cover(near[SCALED - 1] & near[-1] & self.noted_o.clipped.all()),
        ]
        return m


class FreeLanes(GradientLanes):
    """Lanes whose bytes are anything."""

    made: FreeLanes

    def elaborate(self, _platform: object) -> Module:
        FreeLanes.made = self
        return Module()


class FreeRequantiser(Requantiser):
    """Its bytes are 0: no claim speaks of them."""

    made: ClassVar[list[FreeRequantiser]] = []

    def elaborate(self, _platform: object) -> Module:
        FreeRequantiser.made.append(self)
        return Module()


class StageRules(Around):
    """A first window, for all numbers: what the lanes are given for it, and the vector of their bytes.

    The job comes in the first clock.

    The lanes get sums plus biases of the largest items, two columns in a clock, 0 where the job has residuals and that
    of the column is 0; the shift of the first column; the seed; the draws begin before, and not again. Only stochastic
    jobs that are not raw give them anything. Their bytes are the vector. Of noted jobs that are neither, and of no
    others, they are told when the same sums enter the other lanes.

    Parameters
    ----------
    stage: with `FreeLanes`. most: items of a window at most.
    """

    def __init__(self, stage: Component, most: int) -> None:
        self.most = most
        super().__init__(stage, StableFifo, word_i=8 * COLS, bytes_i=8 * LANES)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        self.place(m)
        lanes = FreeLanes.made
        m.d.comb += lanes.bytes_o.data.eq(self.bytes_i)
        job, started = self._job(m)
        bias, shift = self._parameters(m, job)
        self._residual(m, job, started)
        largest, _, closed = self._window(m, job, started)
        number = Signal(range(COLS // LANES + 1))
        begun = Signal()
        m.d.sync += begun.eq(begun | (started & lanes.begin_i))
        first = (lanes.valid_i | lanes.nearest_i) & (number != COLS // LANES)
        with m.If(first):
            m.d.sync += number.eq(number + 1)
        for turn in range(COLS // LANES):
            for lane in range(LANES):
                column = turn * LANES + lane
                total = (largest[column] + bias[column]).as_signed()
                dropped = job.stochastic & job.residual & (self.word_i.word_select(column, 8) == 0)
                m.d.comb += implies(first & (number == turn), lanes.sums_i[lane] == Mux(dropped, 0, total))
        m.d.comb += [
            implies(first, started, closed, ~job.raw, begun, ~lanes.begin_i),
            implies(first, lanes.valid_i == job.stochastic, lanes.nearest_i == (job.noted & ~job.stochastic)),
            implies(first, lanes.shift_i == shift[:6], lanes.seed_i == job.seed),
            Cover(first & lanes.nearest_i),
        ]
        self._vector(m, first & lanes.valid_i, number)
        return m

    def _job(self, m: Module) -> tuple[Any, Signal]:
        """The first job, and whether it has begun."""
        layout = struct(store_fields(MACHINE))
        job, started = Signal(layout), Signal()
        with m.If(self.jobs.valid & self.jobs.ready & ~started):
            m.d.sync += [started.eq(1), job.eq(self.jobs.payload[: layout.size])]
        offered, later = layout(self.jobs.payload[: layout.size]), Signal()
        m.d.sync += later.eq(1)
        m.d.comb += Assume(later | self.jobs.valid)
        m.d.comb += Assume((offered.pool != 0) & (offered.pool <= self.most) & (offered.count != 0))
        return job, started

    def _parameters(self, m: Module, job: Any) -> tuple[list[Value], Signal]:
        """Biases of the columns and the shift of the first one, as the memory gave them."""
        at = Signal.like(self.parameter_address_o)
        m.d.sync += at.eq(self.parameter_address_o)
        read = [Signal(8 * COLS, name=f"read_{k}") for k in (*range(BIASES), SHIFTS)]
        for place, vector in zip((*range(BIASES), SHIFTS), read, strict=True):
            with m.If(at == job.block * PARAMETER_PITCH + place):
                m.d.sync += vector.eq(self.parameter_i)
        biases = Cat(read[:BIASES])
        return [biases.word_select(column, 32).as_signed() for column in range(COLS)], read[-1]

    def _residual(self, m: Module, job: Any, started: Signal) -> None:
        """The residual memory has `word_i` where the first vector's residuals are, and anything elsewhere."""
        before, known, shown = Signal.like(self.word_i), Signal(), Signal()
        m.d.sync += [before.eq(self.word_i), known.eq(1)]
        with m.If(self.residual_enable_o):
            m.d.sync += shown.eq(started & (self.residual_address_o == job.residual_at))
        m.d.comb += [
            Assume(~known | (before == self.word_i)),
            Assume(~shown | (self.residual_i.as_value() == self.word_i)),
        ]

    def _window(self, m: Module, job: Any, started: Signal) -> tuple[list[Signal], list[Signal], Signal]:
        """The largest sums of the first window, which items they were first, and whether it is closed."""
        taken, closed = Signal(range(self.most + 1)), Signal()
        largest = [Signal(signed(32), name=f"most_{column}") for column in range(COLS)]
        places = [Signal.like(taken, name=f"most_at_{column}") for column in range(COLS)]
        with m.If(started & self.results.valid & self.results.ready & ~closed):
            m.d.sync += [taken.eq(taken + 1), closed.eq(taken + 1 == job.pool)]
            for column, (best, at) in enumerate(zip(largest, places, strict=True)):
                item = self.results.payload[column].as_signed()
                with m.If((taken == 0) | (item > best)):
                    m.d.sync += [best.eq(item), at.eq(taken)]
        return largest, places, closed

    def _vector(self, m: Module, first: Value, number: Signal) -> None:
        """The vector has the bytes that came 7 clocks after its sums."""
        due = [Signal(1 + len(number), name=f"due_{age}") for age in range(LATE)]
        m.d.sync += [after.eq(before) for before, after in zip((Cat(first, number), *due), due, strict=False)]
        vector, whole = Signal(8 * COLS), Signal()
        m.d.sync += whole.eq(due[-1][0] & (due[-1][1:] == COLS // LANES - 1))
        with m.If(due[-1][0]):
            m.d.sync += vector.eq(Cat(vector[8 * LANES :], self.bytes_i))
        m.d.comb += [
            implies(whole, self.vector_o.valid, self.vector_o.data == vector, self.vector_o.index == 0),
            Cover(whole & (vector != 0)),
        ]


class PlacesRules(StageRules):
    """A first window of a noted job with places, for all numbers: what enters the lanes right behind its sums.

    These are the numbers of the first largest items, two columns in a clock, with a multiplier of 2, a shift of 1 and
    no residual, so that the bytes are the numbers themselves. Nothing is told of them.
    """

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        FreeRequantiser.made.clear()
        self.place(m)
        lanes, parts = FreeLanes.made, FreeRequantiser.made
        assert len(parts) == LANES
        job, started = self._job(m)
        m.d.comb += Assume(~started | (job.places & job.noted & ~job.stochastic & ~job.raw))
        _, places, _ = self._window(m, job, started)
        turns = COLS // LANES
        told, behind = Signal(range(turns + 1)), Signal(range(turns + 1))
        with m.If((told != turns) & lanes.nearest_i):
            m.d.sync += told.eq(told + 1)
        with m.Elif((told == turns) & (behind != turns)):
            m.d.sync += behind.eq(behind + 1)
        now = (told == turns) & (behind != turns)
        for turn in range(turns):
            for lane, part in enumerate(parts):
                there = now & (behind == turn)
                m.d.comb += [
                    implies(there, part.sum_i == places[turn * LANES + lane], part.residual_i == 0),
                    implies(there, part.multiplier_i == 2, part.shift_i == 1),
                ]
        m.d.comb += [implies(now, ~lanes.nearest_i, ~lanes.valid_i), Cover((behind == turns) & places[0].any())]
        return m
