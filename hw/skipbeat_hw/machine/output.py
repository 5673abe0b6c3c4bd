"""The output stage: pooling, bias, residual, requantisation and clamp, a few columns per clock."""

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

from ..arguments import expect
from ..layouts import struct


def parameters(cols: int) -> data.StructLayout:
    """A block's parameters, column by column, as their vectors lie in memory."""
    return data.StructLayout(
        {
            "bias": data.ArrayLayout(signed(32), cols),
            "multiplier": data.ArrayLayout(32, cols),
            "residual_multiplier": data.ArrayLayout(32, cols),
            "shift": data.ArrayLayout(8, cols),
        }
    )


class OutputStage(wiring.Component):
    """Turns the core's items into vectors, one job (a STORE) after another.

    A job begins with 14 clocks in which its parameters are read. Then an item takes C / lanes clocks, or 4 if the job
    is raw; its vector leaves 7 clocks after its last columns entered. A job is over with its last vector. Rounding is
    half up: `(sum·multiplier + residual·residual_multiplier + 2**(shift - 1)) >> shift`.

    With `pool`, a vector is the maximum over so many items that follow each other, one per clock. It is that of their
    sums, as no result falls where its sum grows; only the largest ones are requantised, while the next item is taken.

    Members
    -------
    jobs: stream of STORE instructions; taken when the stage is free. results: the core's stream.
    parameter_address_o, parameter_i; residual_address_o, residual_i: memories, data one clock later.
    vector_o: {valid, data, final, index}.
    """

    def __init__(self, machine: Machine) -> None:
        expect(machine, Machine)
        self.machine = machine
        self.lanes, self.cols = machine.hw.outputs.lanes, machine.hw.array.cols
        #: Clocks of an item.
        self.steps = self.cols // self.lanes
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
        job = Signal(struct(isa.Store.full_layout()))
        busy = Signal()
        start = Signal()
        m.d.comb += [self.jobs.ready.eq(~busy), start.eq(self.jobs.valid & ~busy)]
        with m.If(start):
            m.d.sync += [busy.eq(1), job.eq(self.jobs.payload[: len(job.as_value())])]
        with m.Elif(self.vector_o.valid & self.vector_o.final):
            m.d.sync += busy.eq(0)
        block, ready = self._load_parameters(m, job, busy)
        step, final = Signal(), Signal()
        sub = Signal(range(max(self.steps, RAW_VECTORS)))
        sent = self._walk(m, job, start, busy & ready, step, sub, final)
        biased = Signal(data.ArrayLayout(signed(33), self.cols))
        m.d.comb += [biased[c].eq(sent[c] + block.bias[c]) for c in range(self.cols)]
        done, assembled = self._requantise(m, job, block, biased, step & ~job.raw, sub, final)

        raw_now = step & job.raw
        part = self.cols // RAW_VECTORS
        m.d.sync += self.vector_o.valid.eq(done.any() | raw_now)
        with m.If(raw_now):
            words = Array(biased[c][:32] for c in range(self.cols))
            m.d.sync += self.vector_o.data.eq(Cat(words[sub * part + i] for i in range(part)))
            m.d.sync += self.vector_o.final.eq(final)
        with m.Elif(done.any()):
            m.d.sync += [self.vector_o.data.eq(assembled), self.vector_o.final.eq(done.all())]
        with m.If(start):
            m.d.sync += self.vector_o.index.eq(0)
        with m.Elif(self.vector_o.valid):
            m.d.sync += self.vector_o.index.eq(self.vector_o.index + 1)
        return m

    def _walk(
        self, m: Module, job: data.View, start: Signal, ready: Value, step: Signal, sub: Signal, final: Signal
    ) -> data.View:
        """Follows the job item by item, some columns in each step; returns the sums of which columns are sent."""
        item = Signal(14)
        pooled = Signal.like(job.pool)
        remaining, last_sub, whole = Signal(), Signal(), Signal()
        pooling, closes, taken = Signal(), Signal(), Signal()
        m.d.comb += [
            remaining.eq(ready & (item != job.count)),
            last_sub.eq(sub == Mux(job.raw, RAW_VECTORS - 1, self.steps - 1)),
            whole.eq(item + 1 == job.count),
            final.eq(last_sub & whole),
            pooling.eq(job.pool != 1),
            closes.eq(pooled == job.pool - 1),
            # A window's last columns leave their registers in the clock in which the next one's first item enters.
            self.results.ready.eq(remaining & Mux(pooling, (sub == 0) | (last_sub & ~whole), last_sub)),
            taken.eq(self.results.valid & self.results.ready),
            step.eq(remaining & Mux(pooling, (sub != 0) | (taken & closes), self.results.valid)),
            # The residual of the vector that is sent in the next clock.
            self.residual_address_o.eq(job.residual_at + item + (step & last_sub)),
        ]
        with m.If(start):
            m.d.sync += [item.eq(0), sub.eq(0), pooled.eq(0)]
        with m.Else():
            with m.If(step):
                m.d.sync += [sub.eq(Mux(last_sub, 0, sub + 1)), item.eq(item + last_sub)]
            with m.If(taken):
                m.d.sync += pooled.eq(Mux(closes, 0, pooled + 1))
        sums = data.View(data.ArrayLayout(signed(32), self.cols), self.results.payload.as_value())
        return self._largest(m, sums, taken, pooled == 0, pooling, sub)

    def _largest(
        self, m: Module, sums: data.View, taken: Value, opens: Value, pooling: Value, sub: Signal
    ) -> data.View:
        """Keeps the largest sums of a window; returns those that are sent, which without pooling are an item's."""
        largest = Signal(data.ArrayLayout(signed(32), self.cols), reset_less=True)
        sent = Signal.like(largest)
        for c in range(self.cols):
            above = Signal(name=f"above_{c}")
            m.d.comb += [
                above.eq(largest[c] > sums[c]),
                sent[c].eq(Mux(pooling & (above | (sub != 0)), largest[c], sums[c])),
            ]
            with m.If(taken & (opens | ~above)):
                m.d.sync += largest[c].eq(sums[c])
        return sent

    def _load_parameters(self, m: Module, job: data.View, busy: Signal) -> tuple[data.View, Signal]:
        """Reads a job's parameter vectors into registers; returns them, and whether they are all there."""
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
        return parameters(self.cols)(stored.as_value()), ready

    def _requantise(
        self, m: Module, job: data.View, block: data.View, biased: data.View, step: Value, sub: Signal, final: Signal
    ) -> tuple[Signal, Signal]:
        """The pipeline; returns {vector done, it is the last one} and the vector."""
        stages = 7
        valid = [Signal(name=f"valid_{i}") for i in range(stages)]
        places = [Signal(range(max(2, self.steps)), name=f"place_{i}", reset_less=True) for i in range(stages)]
        finals = [Signal(name=f"final_{i}", reset_less=True) for i in range(stages)]
        m.d.sync += [valid[0].eq(step), places[0].eq(sub), finals[0].eq(final)]
        for line in (valid, places, finals):
            m.d.sync += [later.eq(earlier) for earlier, later in pairwise(line)]
        assembled = Signal(data.ArrayLayout(signed(8), self.cols), reset_less=True)
        done = Signal(2)
        ends = valid[6] & (places[6] == self.steps - 1)
        m.d.comb += done.eq(Mux(ends, Cat(1, finals[6]), 0))
        for lane in range(self.lanes):
            value = self._lane(m, job, block, biased, lane, sub)
            for place in range(self.steps):
                with m.If(valid[5] & (places[5] == place)):
                    m.d.sync += assembled[place * self.lanes + lane].eq(value)
        return done, assembled.as_value()

    def _lane(self, m: Module, job: data.View, block: data.View, biased: data.View, lane: int, sub: Signal) -> Signal:
        """One lane from the column's sum (P0) to its byte (P5)."""

        def pick(columns: data.View, bits: int | None = None) -> Value:
            return Array(Value.cast(columns[c])[:bits] for c in range(lane, self.cols, self.lanes))[sub]

        total = Signal(signed(33), reset_less=True)
        residual = Signal(signed(8), reset_less=True)
        multiplier = Signal(31, reset_less=True)
        other = Signal(31, reset_less=True)
        shifts = [Signal(6, name=f"shift_{lane}_{i}", reset_less=True) for i in range(5)]
        m.d.sync += [
            total.eq(pick(biased)),
            residual.eq(Mux(job.residual, pick(self.residual_i), 0)),
            multiplier.eq(pick(block.multiplier, 31)),
            other.eq(pick(block.residual_multiplier, 31)),
            shifts[0].eq(pick(block.shift, 6)),
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
