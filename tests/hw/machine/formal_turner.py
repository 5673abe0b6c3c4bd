"""What is proved of the turner: which vectors a first job reads, and what it gives of them."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Assume, Cat, Cover, Module, Mux, Signal, Value
from amaranth.lib.wiring import Component

from skipbeat_hw.machine.turner import TURNS
from tests.hw.core.formal_invariants import Wrapped
from tests.hw.machine.formal_parts import implies


class TurnerRules(Wrapped):
    """Of a job that comes in the first clock, for all its fields and whatever the memory holds.

    One vector is read per clock from the second clock on, V of each block, at the place that the loops give. Vector
    V + 3 clocks after the job, and from there one per clock, is a byte of each of the V vectors of its block, if it is
    one that is to be written, and nothing otherwise. They are counted, the last one is told, and with it the job ends.

    Parameters
    ----------
    most: blocks of the job at most.
    """

    def __init__(self, turner: Component, most: int) -> None:
        self.size, self.most = turner.machine.vector, most
        super().__init__(turner)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        self.place(m)
        size = self.size
        job, clock = Signal(TURNS), Signal(range(size * (self.most + 2) + 8))
        m.d.sync += clock.eq(clock + 1)
        with m.If(clock == 0):
            m.d.sync += job.eq(self.jobs.payload[: TURNS.size])
        offered = TURNS(self.jobs.payload[: TURNS.size])
        m.d.comb += [
            Assume((clock != 0) | self.jobs.valid),
            Assume((offered.count != 0) & (offered.count <= self.most)),
            Assume((offered.lanes != 0) & (offered.lane + offered.lanes <= size)),
            implies(clock == 0, self.jobs.ready, ~self.residual_enable_o, ~self.vector_o.valid),
        ]
        rows = [Signal(8 * size, name=f"row_{k}") for k in range(size * self.most)]
        over = Signal()
        shown = Signal(16)
        for number, row in enumerate(rows):
            self._row(m, job, clock, number, row, over)
        for number in range(size * self.most):
            self._vector(m, job, clock, number, rows, (over, shown))
        last = self.vector_o.valid & self.vector_o.final
        m.d.sync += over.eq(over | last)
        with m.If(self.vector_o.valid):
            m.d.sync += shown.eq(shown + 1)
        m.d.comb += [
            implies((clock != 0) & ~over, ~self.jobs.ready),
            implies(~over & (clock > 0) & (clock < size + 3), ~self.vector_o.valid),
            implies(~over & (clock > size * job.count), ~self.residual_enable_o),
            Cover(last & (job.count == self.most) & (job.lanes == 1) & (job.n0 == 2)),
        ]
        return m

    def _row(self, m: Module, job: Any, clock: Signal, number: int, row: Signal, over: Signal) -> None:
        """A vector is read in its clock, if it belongs to the job, and is there a clock later."""
        block, within = divmod(number, self.size)
        at = job.residual_at + _loops(job, block) + within
        reads = (clock == number + 1) & (block < job.count) & ~over
        m.d.comb += implies(reads, self.residual_enable_o, self.residual_address_o == at[:16])
        with m.If(clock == number + 2):
            m.d.sync += row.eq(self.residual_i)

    def _vector(
        self, m: Module, job: Any, clock: Signal, number: int, rows: list[Signal], said: tuple[Signal, Signal]
    ) -> None:
        """A turned vector is shown in its clock, if it is to be written."""
        block, place = divmod(number, self.size)
        (over, shown), vector = said, self.vector_o
        own = rows[block * self.size : (block + 1) * self.size]
        last = job.lane + job.lanes - 1
        now = (clock == self.size + 3 + number) & ~over
        written = (block < job.count) & (place >= job.lane) & (place <= last)
        m.d.comb += [
            implies(now, vector.valid == written),
            implies(
                now & written,
                vector.data == Cat(row.word_select(place, 8) for row in own),
                vector.final == ((place == last) & (block + 1 == job.count)),
                vector.index == shown,
            ),
        ]


def _loops(job: Any, block: int) -> Value:
    """How far behind the first block one begins, the inner loop having any number of blocks."""
    far: Value = block * job.step0
    for inner in range(1, block + 1):
        far = Mux(job.n0 == inner, block % inner * job.step0 + block // inner * job.step1, far)
    return far
