"""Instruction fetch: from memory to the three queues."""

from __future__ import annotations

from amaranth import C, Cat, Module, Mux, Signal
from amaranth.hdl import Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch import instruction as isa
from skipbeat_arch.decoding import instructions_of
from skipbeat_arch.depths import FETCH_CHUNK, FETCH_QUEUE
from skipbeat_arch.engines import Engine, Opcode
from skipbeat_arch.instruction import INSTRUCTION_BITS, INSTRUCTION_BYTES, VERSION
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import CODE_BITS, REQUEST, MachineError, beat_fields

from ..arguments import expect
from ..layouts import struct
from ..stored_queue import StoredQueue

COUNT_BITS = 24
#: What fetch must know of an instruction; it is found when one enters the queue, and kept with it.
#: `header`: a HEADER of this version. `fingerprint`: with this machine's. `engines`: whose it is, none or one.
#: `nobody`: none. `end`: an END. `empty`: an instruction of nothing.
TRAITS = data.StructLayout({"header": 1, "fingerprint": 1, "engines": len(Engine), "nobody": 1, "end": 1, "empty": 1})


class Fetch(wiring.Component):
    """Reads the program ahead and hands each instruction to its engine's queue, in order, one per clock.

    The program must begin at a multiple of V. Its first instruction must be a HEADER of this version and hardware, the
    last one an END; there are no others. On an error nothing more is handed out until the next start.

    Members
    -------
    start_i: begin with `count_i` instructions at `address_i`. requests, beat_i: to and from the reader; who takes them
    sees to it that none is taken in a halt.
    load_o, execute_o, store_o: streams of instructions. busy_o: instructions remain. error_o: `MachineError`.
    """

    def __init__(self, machine: Machine) -> None:
        expect(machine, Machine)
        self.machine = machine
        #: Instructions in an entry of the queue: one, or as many as a vector holds.
        self._per_entry = max(1, machine.vector // INSTRUCTION_BYTES)
        held = data.StructLayout({"word": INSTRUCTION_BITS, "traits": TRAITS})
        #: An entry of the queue.
        self.entry = data.ArrayLayout(held, self._per_entry)
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
        m.submodules.queue = queue = StoredQueue(width=self.entry.size, depth=depth)
        left = Signal(COUNT_BITS)
        due = Signal(COUNT_BITS)
        # Whether there are any, and enough for a whole chunk, is known beforehand.
        more = Signal()
        whole = Signal()
        busy = Signal()
        last = Signal()
        first = Signal()
        room = Signal(range(FETCH_QUEUE + 1), init=FETCH_QUEUE)
        address = Signal(32)
        chunk = Signal(range(FETCH_CHUNK + 1))
        # There is something to ask for, and room for it; not in the clock after a request, which took of both.
        may_ask = Signal()
        asked = Signal()
        small = FETCH_CHUNK.bit_length() - 1
        # As many as hold the chunk.
        per_instruction, shift = max(1, INSTRUCTION_BYTES // self.machine.vector), self._per_entry.bit_length() - 1
        vectors = (chunk + self._per_entry - 1 >> shift) * per_instruction
        m.d.comb += [
            chunk.eq(Mux(whole, FETCH_CHUNK, left[:small])),
            self.requests.valid.eq(may_ask),
            self.requests.payload.address.eq(address),
            self.requests.payload.count.eq(vectors),
            asked.eq(self.requests.valid & self.requests.ready),
            self.busy_o.eq(busy),
        ]
        taken = self._dispatch(m, queue, first, busy, last)
        with m.If(self.start_i):
            m.d.sync += [left.eq(self.count_i), due.eq(self.count_i), address.eq(self.address_i), first.eq(1)]
            m.d.sync += [known.eq(self.count_i != 0) for known in (more, busy, may_ask)]
            m.d.sync += [whole.eq(self.count_i[small:].any()), last.eq(self.count_i == 1)]
        with m.Else():
            m.d.sync += may_ask.eq(more & room[small:].any() & ~asked)
            with m.If(asked):
                m.d.sync += [left.eq(left - chunk), address.eq(address + chunk * INSTRUCTION_BYTES)]
                # More than a chunk, and more than two.
                m.d.sync += more.eq((left[:small].any() & whole) | left[small + 1 :].any())
                m.d.sync += whole.eq(left[small + 1 :].any())
            with m.If(taken):
                m.d.sync += [due.eq(due - 1), busy.eq(~last), last.eq(due == 2), first.eq(0)]
        # What is asked for and taken is known last: all sums are there before it.
        less, more_room = room - chunk, room + 1
        m.d.sync += room.eq(Mux(asked, Mux(taken, more_room - chunk, less), Mux(taken, more_room, room)))
        self._assemble(m, queue)
        return m

    def _assemble(self, m: Module, queue: StoredQueue) -> None:
        """Vectors become entries of the queue."""
        vectors_per = INSTRUCTION_BYTES // self.machine.vector
        whole, complete = self.beat_i.data, C(1, 1)
        if vectors_per > 1:
            part = Signal(range(vectors_per))
            earlier = Signal(INSTRUCTION_BITS - 8 * self.machine.vector)
            whole, complete = Cat(earlier, self.beat_i.data), part == vectors_per - 1
            with m.If(self.beat_i.valid):
                m.d.sync += [part.eq(part + 1), earlier.eq(whole[8 * self.machine.vector :])]
        entry = Signal(self.entry)
        for i in range(self._per_entry):
            word = whole.word_select(i, INSTRUCTION_BITS)
            m.d.comb += [entry[i].word.eq(word), entry[i].traits.eq(traits(word, self.machine))]
        m.d.comb += [queue.w_en.eq(self.beat_i.valid & complete), queue.w_data.eq(entry)]

    def _dispatch(self, m: Module, queue: StoredQueue, first: Signal, busy: Signal, last: Signal) -> Signal:
        """Takes the head of the queue if its engine can have it; returns whether it was taken."""
        taken = Signal()
        head, emptied = self._head(m, queue, taken)
        traits = head.traits
        outputs = {Engine.LOAD: self.load_o, Engine.EXECUTE: self.execute_o, Engine.STORE: self.store_o}
        for output in outputs.values():
            m.d.comb += output.payload.eq(head.word)
        ready = queue.r_rdy & busy & ~self.halt_i
        with m.If(self.start_i & (self.address_i % self.machine.vector != 0)):
            m.d.comb += self.error_o.eq(MachineError.UNALIGNED_PROGRAM)
        with m.Elif(first & ~busy):
            m.d.comb += self.error_o.eq(MachineError.BAD_PROGRAM)
        # What is in error is taken, and so is what its engine's queue takes.
        wrong = first | traits.nobody | (traits.end != last)
        accepted = Cat(traits.engines[engine] & output.ready for engine, output in outputs.items()).any()
        m.d.comb += taken.eq(ready & (wrong | accepted))
        with m.If(ready & first):
            with m.If(~traits.header | last):
                m.d.comb += self.error_o.eq(MachineError.BAD_PROGRAM)
            with m.Elif(~traits.fingerprint):
                m.d.comb += self.error_o.eq(MachineError.WRONG_HARDWARE)
        with m.Elif(ready & traits.nobody):
            m.d.comb += self.error_o.eq(MachineError.BAD_OPCODE)
        with m.Elif(ready & (traits.end != last)):
            m.d.comb += self.error_o.eq(MachineError.BAD_PROGRAM)
        with m.Elif(ready):
            for engine, output in outputs.items():
                m.d.comb += output.valid.eq(traits.engines[engine])
            # It is handed out as any other: the machine halts before its engine sees it.
            with m.If(traits.empty):
                m.d.comb += self.error_o.eq(MachineError.EMPTY_INSTRUCTION)
        m.d.comb += queue.r_en.eq(emptied)
        return taken

    def _head(self, m: Module, queue: StoredQueue, taken: Signal) -> tuple[data.View, Value]:
        """The next instruction, and whether it is taken now and was the last one of its entry."""
        entry = data.View(self.entry, queue.r_data)
        if self._per_entry == 1:
            return entry[0], taken
        part = Signal(range(self._per_entry))
        m.d.sync += part.eq(part + taken)
        return entry[part], taken & (part == self._per_entry - 1)


def traits(instruction: Value, machine: Machine) -> Value:
    """The `TRAITS` of an instruction, for this machine."""
    known = instructions_of(machine.hw)
    layout = struct(isa.Header.full_layout())
    header = layout(instruction[: layout.size])
    engines = [
        header.opcode.matches(*(opcode for opcode, kind in known.items() if kind.engine == engine)) for engine in Engine
    ]
    empty: Value = C(0, 1)
    for opcode, kind in known.items():
        fields = struct(kind.full_layout())(instruction[: struct(kind.full_layout()).size])
        if "count" in dict(kind.layout()):
            empty |= (fields.opcode == opcode) & (fields.count == 0)
    found = {
        "header": (header.opcode == Opcode.HEADER) & (header.version == VERSION),
        "fingerprint": header.fingerprint == machine.fingerprint,
        "engines": Cat(engines),
        "nobody": ~Cat(engines).any(),
        "end": header.opcode == Opcode.END,
        "empty": empty,
    }
    return Cat(found[name] for name, _ in TRAITS)
