"""The output stage: bias, residual, requantisation and clamp, a few columns per clock."""

from __future__ import annotations

from itertools import pairwise

from amaranth import Array, Cat, Module, Mux, Signal, signed, unsigned
from amaranth.hdl import Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch import instruction as isa
from skipbeat_arch.depths import RAW_VECTORS
from skipbeat_arch.instruction import INSTRUCTION_BITS
from skipbeat_arch.machine import PARAMETER_PITCH, PARAMETER_VECTORS, Machine
from skipbeat_arch.machine_ports import LOCAL_BITS, vector_fields

from ..layouts import struct

#: Columns' parameters in the order of their vectors: name, bytes.
PARAMETERS = (("bias", 4), ("multiplier", 4), ("residual_multiplier", 4), ("shift", 1))


class OutputStage(wiring.Component):
    """Turns the core's items into vectors, one job (a STORE) after another.

    With `pool`, a vector is the maximum over so many items that follow each other. A job begins with 14 clocks in
    which its parameters are read. Then an item takes C / lanes clocks, or 4 if the job is raw; its vector leaves 7
    clocks after its last columns entered. A job is over with its last vector. Rounding is half up: `(sum·multiplier
    + residual·residual_multiplier + 2**(shift - 1)) >> shift`.

    Members
    -------
    jobs: stream of STORE instructions; taken when the stage is free. results: the core's stream.
    parameter_address_o, parameter_i; residual_address_o, residual_i: memories, data one clock later.
    vector_o: {valid, data, final, index}.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.lanes, self.cols = machine.hw.outputs.lanes, machine.hw.array.cols
        vector = 8 * machine.vector
        super().__init__(
            {
                "jobs": In(stream.Signature(INSTRUCTION_BITS)),
                "results": In(stream.Signature(data.ArrayLayout(unsigned(32), self.cols))),
                "parameter_address_o": Out(LOCAL_BITS),
                "parameter_i": In(vector),
                "residual_address_o": Out(LOCAL_BITS),
                "residual_i": In(data.ArrayLayout(signed(8), self.cols)),
                "vector_o": Out(struct(vector_fields(machine))),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        job_layout = struct(isa.Store.full_layout())
        job = Signal(job_layout)
        busy = Signal()
        ready = self._load_parameters(m, job, busy)
        steps = self.cols // self.lanes
        item = Signal(14)
        sub = Signal(range(max(steps, RAW_VECTORS)))
        pooled = Signal.like(job.pool)
        pool_ends = pooled == job.pool - 1
        step = Signal()
        last_sub = Signal()
        taken = Signal()
        remaining = Signal()
        m.d.comb += [
            self.jobs.ready.eq(~busy),
            step.eq(busy & ready & remaining & self.results.valid),
            last_sub.eq(sub == Mux(job.raw, RAW_VECTORS - 1, steps - 1)),
            taken.eq(step & last_sub),
            self.results.ready.eq(busy & ready & remaining & last_sub),
            remaining.eq(item != job.count),
            # The residual of the item that will be at the head in the next clock.
            self.residual_address_o.eq(job.residual_at + item + (taken & pool_ends)),
        ]
        with m.If(taken):
            m.d.sync += [pooled.eq(Mux(pool_ends, 0, pooled + 1)), item.eq(item + pool_ends)]
        with m.If(step):
            m.d.sync += sub.eq(Mux(last_sub, 0, sub + 1))
        with m.If(self.jobs.valid & ~busy):
            m.d.sync += [busy.eq(1), job.eq(self.jobs.payload[: job_layout.size]), item.eq(0), sub.eq(0)]
            m.d.sync += pooled.eq(0)
        with m.Elif(self.vector_o.valid & self.vector_o.final):
            m.d.sync += busy.eq(0)

        whole = item + 1 == job.count
        done, assembled = self._requantise(m, job, step & ~job.raw, sub, pooled == 0, pool_ends, whole)
        raw_now = step & job.raw
        m.d.sync += self.vector_o.valid.eq(done.any() | raw_now)
        with m.If(raw_now):
            words = Array(self._biased(c) for c in range(self.cols))
            part = self.cols // RAW_VECTORS
            m.d.sync += self.vector_o.data.eq(Cat(words[sub * part + i][:32] for i in range(part)))
            m.d.sync += self.vector_o.final.eq(last_sub & whole)
        with m.Elif(done.any()):
            m.d.sync += [self.vector_o.data.eq(assembled), self.vector_o.final.eq(done[1])]
        with m.If(self.jobs.valid & ~busy):
            m.d.sync += self.vector_o.index.eq(0)
        with m.Elif(self.vector_o.valid):
            m.d.sync += self.vector_o.index.eq(self.vector_o.index + 1)
        return m

    def _load_parameters(self, m: Module, job: data.View, busy: Signal) -> Signal:
        """Reads a job's parameter vectors into registers; returns whether they are all there."""
        loading = Signal(range(PARAMETER_VECTORS + 1))
        ready = Signal()
        stored = Signal(data.ArrayLayout(unsigned(8 * self.machine.vector), PARAMETER_VECTORS), reset_less=True)
        m.d.comb += self.parameter_address_o.eq(job.block * PARAMETER_PITCH + loading)
        with m.If(~busy):
            m.d.sync += [loading.eq(0), ready.eq(0)]
        with m.Elif(~ready):
            m.d.sync += [loading.eq(loading + 1), ready.eq(loading == PARAMETER_VECTORS)]
            for i in range(PARAMETER_VECTORS):
                with m.If(loading == i + 1):
                    m.d.sync += stored[i].eq(self.parameter_i)
        self._parameters, flat = {}, stored.as_value()
        for name, size in PARAMETERS:
            width = 8 * size * self.cols
            self._parameters[name], flat = flat[:width], flat[width:]
        return ready

    def _parameter(self, name: str, column: int) -> Value:
        size = 8 * dict(PARAMETERS)[name]
        return self._parameters[name][column * size : (column + 1) * size]

    def _biased(self, column: int) -> Value:
        total = self.results.payload[column].as_signed() + self._parameter("bias", column).as_signed()
        return total[:33].as_signed()

    def _requantise(
        self, m: Module, job: data.View, step: Value, sub: Signal, opens: Value, closes: Value, whole: Value
    ) -> tuple[Signal, Signal]:
        """The pipeline; returns {vector done, it is the last one} and the vector."""
        steps = self.cols // self.lanes
        stages = 7
        valid = [Signal(name=f"valid_{i}") for i in range(stages)]
        places = [Signal(range(steps), name=f"place_{i}", reset_less=True) for i in range(stages)]
        #: {the vector's pool begins, ends, and is the job's last one}
        marks = [Signal(3, name=f"marks_{i}", reset_less=True) for i in range(stages)]
        m.d.sync += [valid[0].eq(step), places[0].eq(sub), marks[0].eq(Cat(opens, closes, closes & whole))]
        for i in range(1, stages):
            m.d.sync += [valid[i].eq(valid[i - 1]), places[i].eq(places[i - 1]), marks[i].eq(marks[i - 1])]
        assembled = Signal(8 * self.cols, reset_less=True)
        done = Signal(2)
        m.d.comb += done.eq(Mux(valid[6] & (places[6] == steps - 1) & marks[6][1], Cat(1, marks[6][2]), 0))
        for lane in range(self.lanes):
            value = self._lane(m, job, lane, sub)
            for place in range(steps):
                with m.If(valid[5] & (places[5] == place)):
                    column = place * self.lanes + lane
                    byte = assembled[8 * column : 8 * column + 8]
                    m.d.sync += byte.eq(Mux(marks[5][0] | (value > byte.as_signed()), value, byte))
        return done, assembled

    def _lane(self, m: Module, job: data.View, lane: int, sub: Signal) -> Signal:
        """One lane from the column's sum (P0) to its byte (P5)."""
        columns = range(lane, self.cols, self.lanes)

        def pick(values: list[Value]) -> Value:
            return Array(values)[sub]

        total = Signal(signed(33), reset_less=True)
        residual = Signal(signed(8), reset_less=True)
        multiplier = Signal(31, reset_less=True)
        other = Signal(31, reset_less=True)
        shifts = [Signal(6, name=f"shift_{lane}_{i}", reset_less=True) for i in range(5)]
        m.d.sync += [
            total.eq(pick([self._biased(c) for c in columns])),
            residual.eq(Mux(job.residual, pick([self.residual_i[c] for c in columns]), 0)),
            multiplier.eq(pick([self._parameter("multiplier", c)[:31] for c in columns])),
            other.eq(pick([self._parameter("residual_multiplier", c)[:31] for c in columns])),
            shifts[0].eq(pick([self._parameter("shift", c)[:6] for c in columns])),
        ]
        m.d.sync += [later.eq(earlier) for earlier, later in pairwise(shifts)]
        products = [Signal(signed(65), name=f"product_{lane}_{i}", reset_less=True) for i in range(2)]
        others = [Signal(signed(40), name=f"residual_{lane}_{i}", reset_less=True) for i in range(2)]
        m.d.sync += [products[0].eq(total * multiplier), products[1].eq(products[0])]
        m.d.sync += [others[0].eq(residual * other), others[1].eq(others[0])]
        sum_ = Signal(signed(66), reset_less=True)
        coarse = Signal(signed(66), reset_less=True)
        byte = Signal(signed(8), name=f"byte_{lane}", reset_less=True)
        m.d.sync += sum_.eq(products[1] + others[1] + ((1 << shifts[2]) >> 1))
        m.d.sync += coarse.eq(sum_ >> (shifts[3][3:] << 3))
        fine = coarse >> shifts[4][:3]
        low, high = job.low.as_signed(), job.high.as_signed()
        m.d.sync += byte.eq(Mux(fine < low, low, Mux(fine > high, high, fine)))
        return byte
