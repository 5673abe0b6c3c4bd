"""The turner: vectors of the residual memory, transposed."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal
from amaranth.hdl import Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch import turn_instruction
from skipbeat_arch.instruction import INSTRUCTION_BITS
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import LOCAL_BITS, vector_fields

from ..arguments import expect
from ..layouts import struct

TURNS = struct(turn_instruction.Turn.full_layout())


class Turner(wiring.Component):
    """Reads a vector of the residual memory per clock, and gives blocks of V turned: a job (a TURN) after another.

    The first vector of a job leaves V + 3 clocks after it was taken, and then one per clock, but for those that are not
    to be written. A job is over with its last vector.

    Members
    -------
    jobs: stream of TURN instructions; taken when there is none. residual_address_o, residual_enable_o, residual_i: a
    memory, data one clock later. vector_o: {valid, data, final, index}.
    """

    def __init__(self, machine: Machine) -> None:
        expect(machine, Machine)
        self.machine = machine
        super().__init__(
            {
                "jobs": In(stream.Signature(INSTRUCTION_BITS)),
                "residual_address_o": Out(LOCAL_BITS),
                "residual_enable_o": Out(1),
                "residual_i": In(8 * machine.vector),
                "vector_o": Out(struct(vector_fields(machine))),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        offered = TURNS(self.jobs.payload[: TURNS.size])
        job = Signal(TURNS)
        busy = Signal()
        start = Signal()
        m.d.comb += [self.jobs.ready.eq(~busy), start.eq(self.jobs.valid & ~busy)]
        with m.If(start):
            m.d.sync += [busy.eq(1), job.eq(offered)]
        with m.Elif(self.vector_o.valid & self.vector_o.final):
            m.d.sync += busy.eq(0)
        came = Signal()
        m.d.sync += came.eq(self.residual_enable_o)
        self._read(m, job, offered, start)
        turned, full, slot = self._transpose(m, busy, came)
        self._give(m, job, offered, start, (turned, full, slot))
        return m

    def _transpose(self, m: Module, busy: Signal, came: Signal) -> tuple[Value, Signal, Signal]:
        """V² bytes that move down while a block enters by rows, and to the right while the next one enters by columns.

        So a block leaves turned as the next one enters, or nothing behind the last one. Returns the turned vector,
        whether there is one, and its place in its block.
        """
        size = self.machine.vector
        full, slot, down = Signal(), Signal(range(size)), Signal()
        given = [self.residual_i.word_select(byte, 8) for byte in reversed(range(size))]
        rows = [Signal(8 * size, name=f"row_{n}", reset_less=True) for n in range(size)]
        with m.If(came | full):
            for above, row, byte in zip([Cat(given), *rows], rows, given, strict=False):
                m.d.sync += row.eq(Mux(down, above, Cat(byte, row)[: 8 * size]))
            m.d.sync += slot.eq(slot + 1)
            with m.If(slot.all()):
                m.d.sync += [full.eq(came), down.eq(~down)]
        # What was turned of a job and is not written is gone when the next one begins.
        with m.If(~busy):
            m.d.sync += [full.eq(0), slot.eq(0)]
        below = Cat(rows[-1].word_select(column, 8) for column in reversed(range(size)))
        beside = Cat(row[-8:] for row in reversed(rows))
        return Mux(down, below, beside), full, slot

    def _read(self, m: Module, job: data.View, offered: data.View, start: Signal) -> None:
        """The vectors of block after block."""
        reading = Signal()
        row = Signal(range(self.machine.vector))
        at = Signal(LOCAL_BITS)
        # Where the block began, and the inner loop.
        block, inner = Signal(LOCAL_BITS), Signal(LOCAL_BITS)
        left, turns = Signal.like(job.count), Signal.like(job.n0)
        m.d.comb += [self.residual_address_o.eq(at), self.residual_enable_o.eq(reading)]
        following = Mux(turns == 0, inner + job.step1, block + job.step0)
        with m.If(start):
            m.d.sync += [each.eq(offered.residual_at) for each in (at, block, inner)]
            m.d.sync += [reading.eq(1), left.eq(offered.count - 1), turns.eq(offered.n0 - 1)]
        with m.Elif(reading):
            m.d.sync += [row.eq(row + 1), at.eq(at + 1)]
            with m.If(row.all()):
                m.d.sync += [at.eq(following), block.eq(following), left.eq(left - 1), reading.eq(left != 0)]
                m.d.sync += turns.eq(Mux(turns == 0, job.n0, turns) - 1)
                with m.If(turns == 0):
                    m.d.sync += inner.eq(following)

    def _give(
        self, m: Module, job: data.View, offered: data.View, start: Signal, turned: tuple[Value, Signal, Signal]
    ) -> None:
        """Of each turned block the vectors that are to be written."""
        vector, there, place = turned
        left = Signal.like(job.count)
        last = Signal(len(job.lanes) + 1)
        m.d.comb += last.eq(job.lane + job.lanes - 1)
        with m.If(start):
            m.d.sync += left.eq(offered.count - 1)
        with m.Elif(there):
            m.d.sync += left.eq(left - place.all())
        m.d.sync += [
            self.vector_o.valid.eq(there & (place >= job.lane) & (place <= last)),
            self.vector_o.final.eq((place == last) & (left == 0)),
            self.vector_o.data.eq(vector),
        ]
        with m.If(start):
            m.d.sync += self.vector_o.index.eq(0)
        with m.Elif(self.vector_o.valid):
            m.d.sync += self.vector_o.index.eq(self.vector_o.index + 1)
