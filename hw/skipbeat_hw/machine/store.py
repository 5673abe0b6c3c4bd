"""The store engine: jobs for the output stage, and their vectors to memory."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from skipbeat_arch.instruction import INSTRUCTION_BITS, Opcode, layout
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import LOCAL_BITS, WRITE_REQUEST, vector_fields

from ..layouts import struct

PENDING_DEPTH = 2


class StoreEngine(wiring.Component):
    """While one job is written to memory, the next one fills the other half of the output memory.

    A STORE goes to the output stage when its tokens are there and its half is free. When its last vector is in the
    output memory, the writer gets a request; when the writer is done, the signals are given. END waits until
    everything before it is done.

    Members
    -------
    instructions: stream of STORE and END. some_i, take_o, give_o: tokens from and to load and execute.
    jobs: to the output stage. vector_i: from it. write_o: {enable, address, data} of the output memory.
    requests, done_i: to and from the writer. end_o: an END was reached.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        super().__init__(
            {
                "instructions": In(stream.Signature(INSTRUCTION_BITS)),
                "some_i": In(2),
                "halt_i": In(1),
                "take_o": Out(2),
                "give_o": Out(2),
                "jobs": Out(stream.Signature(INSTRUCTION_BITS)),
                "vector_i": In(struct(vector_fields(machine))),
                "write_enable_o": Out(1),
                "write_address_o": Out(LOCAL_BITS),
                "requests": Out(stream.Signature(struct(WRITE_REQUEST))),
                "done_i": In(1),
                "end_o": Out(1),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        stores = struct(layout(Opcode.STORE))
        store = stores(self.instructions.payload[: stores.size])
        m.submodules.pending = pending = SyncFIFO(width=stores.size, depth=PENDING_DEPTH)
        filling = Signal(stores)
        filling_half = Signal()
        asked_half = Signal()
        occupied = Signal(range(3))
        in_stage = Signal()
        may_begin = Signal()
        begin = Signal()
        finished = Signal()
        is_end = store.opcode == Opcode.END
        m.d.comb += [
            may_begin.eq(self.instructions.valid & ~self.halt_i & ((store.wait & ~self.some_i) == 0)),
            self.end_o.eq(may_begin & is_end & (occupied == 0)),
            self.jobs.valid.eq(may_begin & ~is_end & (occupied != 2) & ~in_stage),
            self.jobs.payload.eq(self.instructions.payload),
            begin.eq(self.jobs.valid & self.jobs.ready),
            self.instructions.ready.eq(begin | self.end_o),
            self.take_o.eq(Mux(begin | self.end_o, store.wait, 0)),
            finished.eq(self.vector_i.valid & self.vector_i.final),
            self.write_enable_o.eq(self.vector_i.valid),
            self.write_address_o.eq(Mux(filling_half, self.machine.output_depth, 0) + self.vector_i.index),
        ]
        with m.If(begin):
            m.d.sync += [filling.eq(store), in_stage.eq(1)]
        with m.Elif(finished):
            m.d.sync += [in_stage.eq(0), filling_half.eq(~filling_half)]
        m.d.sync += occupied.eq(occupied + begin - self.done_i)

        m.d.comb += [pending.w_en.eq(finished), pending.w_data.eq(filling)]
        self._request(m, pending, stores(pending.r_data), asked_half)
        return m

    def _request(self, m: Module, pending: SyncFIFO, job: data.View, half: Signal) -> None:
        """One request at a time; its signals are given when it is done."""
        asked = Signal()
        m.d.comb += [
            self.requests.valid.eq(pending.r_rdy & ~asked & ~self.halt_i),
            self.requests.payload.address.eq(job.address),
            self.requests.payload.count.eq(Mux(job.raw, job.count << 2, job.count)),
            self.requests.payload.start.eq(Mux(half, self.machine.output_depth, 0)),
            pending.r_en.eq(self.done_i),
        ]
        m.d.sync += self.give_o.eq(Mux(self.done_i, job.signal, 0))
        with m.If(self.requests.valid & self.requests.ready):
            m.d.sync += asked.eq(1)
        with m.If(self.done_i):
            m.d.sync += [asked.eq(0), half.eq(~half)]
