"""The parts that make a store engine's vectors, as one: the output stage, and the turner if there is one."""

from __future__ import annotations

from amaranth import Module, Mux
from amaranth.hdl import Value
from amaranth.lib import wiring

from skipbeat_arch.engines import Opcode
from skipbeat_arch.instruction import OPCODE_BITS

from .output import OutputStage
from .store import StoreEngine
from .turner import Turner


class Stages:
    """Only one of them has a job at a time: the store engine gives the next one when the last vector has come.

    Attributes:
        residual_address, residual_enable: of the residual memory, which both read. data: of the vector that is shown.
        moves: what tells that the turner is at work.
    """

    def __init__(self, output: OutputStage, turner: Turner | None) -> None:
        self._output, self._turner = output, turner
        self._vector: Value = output.vector_o.as_value()
        self.residual_address: Value = output.residual_address_o
        self.residual_enable: Value = output.residual_enable_o
        self.data: Value = output.vector_o.data
        self.moves: list[Value] = []
        if turner is not None:
            reads, shows = turner.residual_enable_o, turner.vector_o.valid
            self._vector = Mux(shows, turner.vector_o.as_value(), self._vector)
            self.residual_address = Mux(reads, turner.residual_address_o, self.residual_address)
            self.residual_enable = reads | self.residual_enable
            self.data = Mux(shows, turner.vector_o.data, self.data)
            self.moves = [reads]

    def connect(self, m: Module, store: StoreEngine, residual: Value) -> None:
        """Jobs to whom they are for, and vectors back; `residual` is the data of the residual memory."""
        output, turner, jobs = self._output, self._turner, store.jobs
        if turner is None:
            wiring.connect(m, jobs, output.jobs)
        else:
            turns = jobs.payload[:OPCODE_BITS] == Opcode.TURN
            m.d.comb += [
                output.jobs.payload.eq(jobs.payload),
                output.jobs.valid.eq(jobs.valid & ~turns),
                turner.residual_i.eq(residual),
                turner.jobs.payload.eq(jobs.payload),
                turner.jobs.valid.eq(jobs.valid & turns),
                jobs.ready.eq(Mux(turns, turner.jobs.ready, output.jobs.ready)),
            ]
        m.d.comb += store.vector_i.eq(self._vector)
