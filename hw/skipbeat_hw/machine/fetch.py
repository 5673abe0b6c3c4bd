"""Instruction fetch: from memory to the three queues."""

from __future__ import annotations

from amaranth import C, Cat, Module, Mux, Signal
from amaranth.hdl import Value
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from skipbeat_arch import instruction as isa
from skipbeat_arch.depths import FETCH_CHUNK, FETCH_QUEUE
from skipbeat_arch.engines import Engine, Opcode
from skipbeat_arch.instruction import INSTRUCTION_BITS, INSTRUCTION_BYTES, INSTRUCTIONS, VERSION
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import CODE_BITS, REQUEST, MachineError, beat_fields

from ..arguments import expect
from ..layouts import struct

COUNT_BITS = 24


class Fetch(wiring.Component):
    """Reads the program ahead and hands each instruction to its engine's queue, in order, one per clock.

    The program must begin at a multiple of V. Its first instruction must be a HEADER of this version and hardware, the
    last one an END; there are no others. On an error nothing more is handed out until the next start.

    Members
    -------
    start_i: begin with `count_i` instructions at `address_i`. requests, beat_i: to and from the reader.
    load_o, execute_o, store_o: streams of instructions. busy_o: instructions remain. error_o: `MachineError`.
    """

    def __init__(self, machine: Machine) -> None:
        expect(machine, Machine)
        self.machine = machine
        #: Instructions in an entry of the queue: one, or as many as a vector holds.
        self._per_entry = max(1, machine.vector // INSTRUCTION_BYTES)
        words = stream.Signature(INSTRUCTION_BITS)
        super().__init__(
            {
                "start_i": In(1),
                "address_i": In(32),
                "count_i": In(COUNT_BITS),
                "halt_i": In(1),
                "requests": Out(stream.Signature(struct(REQUEST))),
                "beat_i": In(struct(beat_fields(machine))),
                "load_o": Out(words),
                "execute_o": Out(words),
                "store_o": Out(words),
                "busy_o": Out(1),
                "error_o": Out(CODE_BITS),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        depth = max(1, FETCH_QUEUE // self._per_entry)
        m.submodules.queue = queue = SyncFIFO(width=INSTRUCTION_BITS * self._per_entry, depth=depth)
        left = Signal(COUNT_BITS)
        due = Signal(COUNT_BITS)
        # Whether there are any, is known beforehand.
        more = Signal()
        busy = Signal()
        last = Signal()
        first = Signal()
        room = Signal(range(FETCH_QUEUE + 1), init=FETCH_QUEUE)
        address = Signal(32)
        chunk = Signal(range(FETCH_CHUNK + 1))
        asked = Signal()
        vectors = (chunk * INSTRUCTION_BYTES + self.machine.vector - 1) >> (self.machine.vector.bit_length() - 1)
        m.d.comb += [
            chunk.eq(Mux(left < FETCH_CHUNK, left, FETCH_CHUNK)),
            self.requests.valid.eq(more & (room >= FETCH_CHUNK) & ~self.halt_i),
            self.requests.payload.address.eq(address),
            self.requests.payload.count.eq(vectors),
            asked.eq(self.requests.valid & self.requests.ready),
            self.busy_o.eq(busy),
        ]
        taken = self._dispatch(m, queue, first, busy, last)
        with m.If(self.start_i):
            m.d.sync += [left.eq(self.count_i), due.eq(self.count_i), address.eq(self.address_i), first.eq(1)]
            m.d.sync += [more.eq(self.count_i != 0), busy.eq(self.count_i != 0), last.eq(self.count_i == 1)]
        with m.Else():
            with m.If(asked):
                m.d.sync += [left.eq(left - chunk), address.eq(address + chunk * INSTRUCTION_BYTES)]
                m.d.sync += more.eq(left > FETCH_CHUNK)
            with m.If(taken):
                m.d.sync += [due.eq(due - 1), busy.eq(~last), last.eq(due == 2), first.eq(0)]
        before = Signal.like(room)
        m.d.comb += before.eq(room - Mux(asked, chunk, 0))
        m.d.sync += room.eq(Mux(taken, before + 1, before))
        self._assemble(m, queue)
        return m

    def _assemble(self, m: Module, queue: SyncFIFO) -> None:
        """Vectors become entries of the queue."""
        vectors_per = INSTRUCTION_BYTES // self.machine.vector
        if vectors_per <= 1:
            m.d.comb += [queue.w_en.eq(self.beat_i.valid), queue.w_data.eq(self.beat_i.data)]
            return
        part = Signal(range(vectors_per))
        earlier = Signal(INSTRUCTION_BITS - 8 * self.machine.vector)
        whole = Cat(earlier, self.beat_i.data)
        with m.If(self.beat_i.valid):
            m.d.sync += [part.eq(part + 1), earlier.eq(whole[8 * self.machine.vector :])]
        m.d.comb += [queue.w_en.eq(self.beat_i.valid & (part == vectors_per - 1)), queue.w_data.eq(whole)]

    def _dispatch(self, m: Module, queue: SyncFIFO, first: Signal, busy: Signal, last: Signal) -> Signal:
        """Takes the head of the queue if its engine can have it; returns whether it was taken."""
        taken = Signal()
        head, emptied = self._head(m, queue, taken)
        outputs = {Engine.LOAD: self.load_o, Engine.EXECUTE: self.execute_o, Engine.STORE: self.store_o}
        header = struct(isa.Header.full_layout())(head[: struct(isa.Header.full_layout()).size])
        for output in outputs.values():
            m.d.comb += output.payload.eq(head)
        ready = queue.r_rdy & busy & ~self.halt_i
        with m.If(self.start_i & (self.address_i % self.machine.vector != 0)):
            m.d.comb += self.error_o.eq(MachineError.UNALIGNED_PROGRAM)
        with m.Elif(first & ~busy):
            m.d.comb += self.error_o.eq(MachineError.BAD_PROGRAM)
        with m.If(ready & first):
            m.d.comb += taken.eq(1)
            with m.If((header.opcode != Opcode.HEADER) | (header.version != VERSION) | last):
                m.d.comb += self.error_o.eq(MachineError.BAD_PROGRAM)
            with m.Elif(header.fingerprint != self.machine.fingerprint):
                m.d.comb += self.error_o.eq(MachineError.WRONG_HARDWARE)
        with m.Elif(ready), m.Switch(header.opcode):
            for engine, output in outputs.items():
                with m.Case(*(opcode for opcode, kind in INSTRUCTIONS.items() if kind.engine == engine)):
                    with m.If((header.opcode == Opcode.END) == last):
                        m.d.comb += [output.valid.eq(1), taken.eq(output.ready)]
                        # It is handed out as any other: the machine halts before its engine sees it.
                        with m.If(_of_nothing(head)):
                            m.d.comb += self.error_o.eq(MachineError.EMPTY_INSTRUCTION)
                    with m.Else():
                        m.d.comb += [self.error_o.eq(MachineError.BAD_PROGRAM), taken.eq(1)]
            with m.Default():
                m.d.comb += [self.error_o.eq(MachineError.BAD_OPCODE), taken.eq(1)]
        m.d.comb += queue.r_en.eq(emptied)
        return taken

    def _head(self, m: Module, queue: SyncFIFO, taken: Signal) -> tuple[Value, Value]:
        """The next instruction, and whether it is taken now and was the last one of its entry."""
        if self._per_entry == 1:
            return queue.r_data, taken
        part = Signal(range(self._per_entry))
        m.d.sync += part.eq(part + taken)
        return queue.r_data.word_select(part, INSTRUCTION_BITS), taken & (part == self._per_entry - 1)


def _of_nothing(instruction: Value) -> Value:
    """Whether it has a count, which is 0."""
    empty: Value = C(0, 1)
    for opcode, kind in INSTRUCTIONS.items():
        layout = struct(kind.full_layout())
        fields = layout(instruction[: layout.size])
        if "count" in dict(kind.layout()):
            empty |= (fields.opcode == opcode) & (fields.count == 0)
    return empty
