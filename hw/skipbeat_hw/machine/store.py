"""The store engine: jobs for the output stage, and their vectors to memory and to the activation banks."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal
from amaranth.hdl import Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from skipbeat_arch import instruction as isa
from skipbeat_arch.depths import OUTPUT_HALVES, STORE_QUEUE
from skipbeat_arch.engines import Opcode
from skipbeat_arch.instruction import INSTRUCTION_BITS
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import (
    ADDRESS_BITS,
    COUNT_BITS,
    LOCAL_BITS,
    WRITE_REQUEST,
    bank_write_fields,
    store_fields,
    vector_fields,
)

from ..arguments import expect
from ..layouts import struct
from .placer import Placer, banks_of

#: A STORE that left the output stage: vectors in memory, if it writes there, and whether it signals to load.
WAITING = data.StructLayout({"address": ADDRESS_BITS, "count": COUNT_BITS, "memory": 1, "gives": 1})


class StoreEngine(wiring.Component):
    """While one job is written to memory, the next one fills the other half of the output memory.

    A STORE goes to the output stage when its tokens are there and, if it writes memory, a half is free. With its last
    vector it signals to execute: a local one is in the banks then. When that vector is in the output memory, the writer
    gets a request; STOREs are done in order, with the writer or at once, and signal to load. END waits for all of them.

    Members
    -------
    instructions: stream of STORE, PLACE and END. some_i, take_o, give_o: tokens from and to load and execute.
    jobs: to the output stage. vector_i: from it. write_enable_o, write_address_o: of the output memory.
    local_write_o: of the banks. requests, done_i: to and from the writer. stored_o: a STORE's last vector left the
    output stage. end_o: an END was reached.
    """

    def __init__(self, machine: Machine) -> None:
        expect(machine, Machine)
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
                "local_write_o": Out(struct(bank_write_fields(machine))),
                "stored_o": Out(1),
                "requests": Out(stream.Signature(struct(WRITE_REQUEST))),
                "done_i": In(1),
                "end_o": Out(1),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        stores = struct(store_fields(self.machine))
        store = stores(self.instructions.payload[: stores.size])
        m.submodules.pending = pending = SyncFIFO(width=WAITING.size, depth=STORE_QUEUE)
        filling = Signal(stores)
        filling_half = Signal()
        occupied = Signal(range(3))
        unfinished = Signal(range(STORE_QUEUE + 1))
        in_stage = Signal()
        may_begin = Signal()
        begin = Signal()
        finished = Signal()
        popped = Signal()
        is_end, is_place = store.opcode == Opcode.END, store.opcode == Opcode.PLACE
        memory, fills = self._memory(store), self._memory(filling)
        may_fill = (~memory | (occupied != OUTPUT_HALVES)) & (unfinished != STORE_QUEUE) & ~in_stage
        m.d.comb += [
            may_begin.eq(self.instructions.valid & ~self.halt_i & ((store.wait & ~self.some_i) == 0)),
            self.end_o.eq(may_begin & is_end & (unfinished == 0)),
            self.jobs.valid.eq(may_begin & ~is_end & ~is_place & may_fill),
            self.jobs.payload.eq(self.instructions.payload),
            begin.eq(self.jobs.valid & self.jobs.ready),
            self.instructions.ready.eq(begin | self.end_o | (is_place & ~self.halt_i)),
            self.take_o.eq(Mux(begin | self.end_o, store.wait, 0)),
            finished.eq(self.vector_i.valid & self.vector_i.final),
            self.stored_o.eq(finished),
            self.write_enable_o.eq(self.vector_i.valid & fills),
            self.write_address_o.eq(Mux(filling_half, self.machine.output_depth, 0) + self.vector_i.index),
        ]
        with m.If(begin):
            m.d.sync += [filling.eq(store), in_stage.eq(1)]
        with m.Elif(finished):
            m.d.sync += [in_stage.eq(0), filling_half.eq(filling_half ^ fills)]
        m.d.sync += [occupied.eq(occupied + (begin & memory) - self.done_i), unfinished.eq(unfinished + begin - popped)]
        self._place(m, begin, is_place, filling)

        m.d.comb += pending.w_en.eq(finished)
        self._wait(m, WAITING(pending.w_data), filling)
        head = WAITING(pending.r_data)
        self._request(m, pending, head, popped)
        done = popped & head.gives
        m.d.sync += self.give_o.eq(Cat(done, finished & filling.signal[1]))
        return m

    def _memory(self, job: data.View) -> Value:
        """Whether a job's vectors go to memory; those of a TURN do."""
        return job.memory | (job.opcode == Opcode.TURN) if self.machine.hw.outputs.turn else job.memory

    def _wait(self, m: Module, last: data.View, filling: data.View) -> None:
        """What the writer has to know of the STORE in the output stage."""
        # With places each output is two vectors.
        outputs = filling.count << filling.places if self.machine.hw.outputs.gradients else filling.count
        count = Mux(filling.raw, filling.count << 2, outputs)
        if self.machine.hw.outputs.turn:
            # Of a TURN as many as came.
            count = Mux(filling.opcode == Opcode.TURN, self.vector_i.index + 1, count)
        m.d.comb += [
            last.address.eq(filling.address),
            last.count.eq(count),
            last.memory.eq(self._memory(filling)),
            last.gives.eq(filling.signal[0]),
        ]

    def _place(self, m: Module, begin: Signal, is_place: Value, filling: data.View) -> None:
        """A PLACE is for the next STORE; the one in the output stage keeps its own."""
        places = struct(isa.Place.full_layout())
        instruction = places(self.instructions.payload[: places.size])
        following = Signal(struct(isa.Placement.layout()))
        m.submodules.placer = placer = Placer(self.machine)
        place = Signal(struct(isa.Placement.layout()))
        # What waits for it is known when its vectors come.
        banks = Signal(self.machine.hw.array.rows)
        single = Signal()
        first = Signal()
        with m.If(self.instructions.valid & ~self.halt_i & is_place):
            m.d.sync += [following[name].eq(instruction[name]) for name, _ in isa.Placement.layout()]
        with m.If(begin):
            m.d.sync += [place.eq(following), banks.eq(banks_of(self.machine, following))]
            m.d.sync += [single.eq(following.width == 1), first.eq(1)]
        with m.Elif(self.vector_i.valid):
            m.d.sync += first.eq(0)
        local = self.vector_i.valid & filling.local
        if self.machine.hw.outputs.turn:
            local &= filling.opcode != Opcode.TURN
        m.d.comb += [
            placer.place_i.eq(place),
            placer.single_i.eq(single),
            placer.valid_i.eq(local),
            placer.first_i.eq(first),
            placer.final_i.eq(self.vector_i.final),
            self.local_write_o.enable.eq(Mux(local, banks, 0)),
            self.local_write_o.address.eq(placer.entry_o),
            self.local_write_o.data.eq(self.vector_i.data),
        ]

    def _request(self, m: Module, pending: SyncFIFO, job: data.View, popped: Signal) -> None:
        """One request at a time; a STORE without one is done as soon as all before it are."""
        asked = Signal()
        half = Signal()
        m.d.comb += [
            self.requests.valid.eq(pending.r_rdy & job.memory & ~asked & ~self.halt_i),
            self.requests.payload.address.eq(job.address),
            self.requests.payload.count.eq(job.count),
            self.requests.payload.start.eq(Mux(half, self.machine.output_depth, 0)),
            popped.eq(self.done_i | (pending.r_rdy & ~job.memory)),
            pending.r_en.eq(popped),
        ]
        with m.If(self.requests.valid & self.requests.ready):
            m.d.sync += asked.eq(1)
        with m.If(self.done_i):
            m.d.sync += [asked.eq(0), half.eq(~half)]
