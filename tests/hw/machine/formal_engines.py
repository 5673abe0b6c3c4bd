"""What is proved of the load and store engines beyond their tokens."""

from __future__ import annotations

from amaranth.hdl import Assert, Assume, Cat, Const, Cover, Fragment, Module, Mux, Signal, Value
from amaranth.lib import data

from skipbeat_arch import instruction as isa
from skipbeat_arch.engines import Kind, Opcode
from skipbeat_arch.machine_ports import store_fields
from skipbeat_hw.layouts import struct
from skipbeat_hw.machine.load import route_layout
from skipbeat_hw.machine.store import WAITING
from skipbeat_hw.tools.formal import register
from tests.hw.machine.formal_parts import RegisterFifo, implies, small
from tests.hw.machine.formal_tokens import TakesOnlyWhatIsThere

STORE = struct(store_fields(small()))


class LoadRules(TakesOnlyWhatIsThere):
    """In addition: `routes` never overflows; a ZERO begins when every LOAD before it is written, and then has the banks
    for itself until it is taken.

    Assumed: LOAD and ZERO only, a ZERO of at least one entry; vectors come back only for a LOAD whose request was
    taken (`ReadSide`).
    """

    fifo = RegisterFifo

    def rules(self, m: Module, inside: Fragment) -> None:
        super().rules(m, inside)
        (routes,) = self.fifos
        zeroing = register(inside, "zeroing")
        instruction = struct(isa.Zero.full_layout())(self.instructions.payload[: struct(isa.Zero.full_layout()).size])
        is_zero = instruction.opcode == Opcode.ZERO

        def is_local(entry: Value) -> Value:
            route = route_layout(self.machine)(entry)
            return (route.load.kind == Kind.ACTIVATIONS) | ~route.banks.any()

        m.d.comb += [
            Assume((instruction.opcode == Opcode.LOAD) | (is_zero & (instruction.count != 0))),
            Assume(~self.beat_i.valid | routes.r_rdy),
            implies(routes.w_en, routes.w_rdy, self.requests.valid, self.requests.ready),
            Assert(routes.w_en == (self.requests.valid & self.requests.ready)),
            implies(routes.r_en, routes.r_rdy),
            implies(zeroing, self.instructions.valid, is_zero, ~routes.r_rdy, self.take_o == 0),
            Assert(register(inside, "zeros_come") == zeroing),
            implies(zeroing, register(inside, "zero_left") != 0, self.bank_write_o.enable.all()),
            implies(self.take_o.any() & is_zero, ~routes.r_rdy),
            implies(self.memory_write_o.enable.any(), ~self.bank_write_o.enable.any()),
            # Only activations go into banks.
            *(implies(i < routes.level, is_local(entry)) for i, entry in enumerate(routes.entries)),
            Cover(zeroing & self.instructions.ready),
            Cover(~routes.w_rdy),
        ]


class StoreRules(TakesOnlyWhatIsThere):
    """In addition: `occupied` and `unfinished` are what they say and stay within 2 and 4; `pending` never overflows;
    END comes when nothing is open; the writer is asked once for each STORE with `memory`, in order, and for no other;
    the half of the output memory that is filled is never the one that is being written out. A TURN is as a STORE with
    `memory`, never writes the banks, and is written with as many vectors as came.

    Assumed: STORE, PLACE and END only, and TURN if there is a turner; a stage that gives vectors only for a job that it
    was given, until the last; a writer that takes a request when it has none and is done with it later, once.
    """

    fifo = RegisterFifo

    def rules(self, m: Module, inside: Fragment) -> None:
        super().rules(m, inside)
        (self.pending,) = self.fifos
        store = STORE(self.instructions.payload[: STORE.size])
        turns = self.machine.hw.outputs.turn
        jobs = (Opcode.STORE, Opcode.TURN) if turns else (Opcode.STORE,)
        codes = (*jobs, Opcode.END, Opcode.PLACE)
        in_stage, writing = Signal(), Signal()
        begun, finished = self.jobs.valid & self.jobs.ready, self.vector_i.valid & self.vector_i.final
        asked = self.requests.valid & self.requests.ready
        m.d.sync += [in_stage.eq((in_stage | begun) & ~finished), writing.eq((writing | asked) & ~self.done_i)]
        m.d.comb += [
            Assume(Cat(store.opcode == code for code in codes).any()),
            Assume(~self.vector_i.valid | in_stage),
            Assume(~self.requests.ready | ~writing),
            Assume(~self.done_i | writing),
            implies(begun, ~in_stage, store.opcode.matches(*jobs)),
            implies(self.jobs.valid | self.end_o, self.instructions.valid),
            Assert(register(inside, "in_stage") == in_stage),
            Assert(register(inside, "asked") == writing),
            implies(self.end_o, ~in_stage, ~writing, self.pending.level == 0),
            Cover(self.end_o),
            Cover(begun & writing & (self.pending.level == 2)),
        ]
        filling = STORE(register(inside, "filling"))
        self._counts(m, inside, in_stage, writing, in_stage & self._memory(filling), begun & self._memory(store))
        if turns:
            turned = self.vector_i.valid & (filling.opcode == Opcode.TURN)
            entry = WAITING(self.pending.w_data)
            m.d.comb += [
                implies(turned, ~self.local_write_o.enable.any(), self.write_enable_o),
                implies(turned & self.pending.w_en, entry.memory, entry.count == (self.vector_i.index + 1)[:16]),
                Cover(turned & finished & writing),
            ]

    def _counts(
        self, m: Module, inside: Fragment, in_stage: Signal, writing: Signal, fills: Value, begun: Value
    ) -> None:
        pending, to_ask = self.pending, Signal(4)
        occupied, unfinished = register(inside, "occupied"), register(inside, "unfinished")
        memory = [WAITING(entry).memory & (i < pending.level) for i, entry in enumerate(pending.entries)]
        waiting: Value = Const(0, 1)
        for bit in memory:
            waiting = waiting + bit
        m.d.sync += to_ask.eq(to_ask + begun - (self.requests.valid & self.requests.ready))
        half, other = register(inside, "half"), register(inside, "filling_half")
        m.d.comb += [
            implies(pending.w_en, pending.w_rdy),
            implies(pending.r_en, pending.r_rdy),
            Assert(unfinished == pending.level + in_stage),
            Assert(unfinished <= pending.depth),
            Assert(occupied == waiting + fills),
            Assert(occupied <= 2),
            Assert(to_ask + writing == occupied),
            implies(writing | self.requests.valid, memory[0]),
            implies(self.requests.valid, to_ask != 0),
            Assert((half ^ other) == waiting[0]),
            implies(fills & writing, half != other),
            implies(self.write_enable_o & writing, (self.write_address_o - self.vector_i.index == 0) == half),
            Assert(self.requests.payload.start == Mux(half, self.machine.output_depth, 0)),
        ]

    def _memory(self, job: data.View) -> Value:
        """Whether its vectors go to memory."""
        return job.memory | (job.opcode == Opcode.TURN) if self.machine.hw.outputs.turn else job.memory

    def late(self, name: str) -> Value:
        return Const(int(name == "requests"), 1)
