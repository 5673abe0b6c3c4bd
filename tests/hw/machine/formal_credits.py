"""What is proved of the parts that read ahead: they never read more than their FIFOs hold."""

from __future__ import annotations

from amaranth.hdl import Assert, Assume, Cat, Const, Cover, Fragment, Module, Mux, Signal, Value
from amaranth.lib import data
from amaranth.lib.wiring import Component

from skipbeat_arch.depths import FETCH_CHUNK, FETCH_QUEUE
from skipbeat_arch.engines import Opcode
from skipbeat_arch.instruction import INSTRUCTION_BYTES
from skipbeat_arch.machine_ports import JOB, MachineError
from skipbeat_hw.layouts import struct
from skipbeat_hw.machine.fetch import traits
from skipbeat_hw.machine.fetcher import LOOPS
from skipbeat_hw.tools.formal import register
from tests.hw.core.symbolic_tile import total
from tests.hw.machine.formal_parts import Around, StableFifo, implies, offered, stays


class WeightReaderRules(Around):
    """Room, the word on its way and the FIFO's level are always 8 in all, so the FIFO never overflows; a word that is
    offered stays until it is taken; as many words leave as the tiles have, and `last` is set on each tile's last one.

    Assumed: tiles that stay until they are taken.
    """

    def __init__(self, reader: Component) -> None:
        super().__init__(reader, StableFifo)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        inside = self.place(m)
        (words,) = self.fifos
        room, reading, left = (register(inside, name) for name in ("room", "reading", "left"))
        taken, due, ends = self.tiles.valid & self.tiles.ready, Signal(16), Signal()
        with m.If(taken):
            m.d.sync += due.eq(self.tiles.payload.words)
        with m.Elif(self.enable_o):
            m.d.sync += due.eq(due - 1)
        m.d.sync += ends.eq(due == 1)
        offered(m, self.tiles)
        stays(m, self.weights.valid, self.weights.ready, self.weights.payload)
        m.d.comb += [
            Assert(room + reading + words.level == words.depth),
            implies(words.w_en, words.w_rdy, words.w_data[-1] == ends),
            Assert(left == due),
            Assert(register(inside, "some") == (left != 0)),
            Assert(register(inside, "one") == (left == 1)),
            implies(self.enable_o, due != 0),
            implies(taken, (due == 0) | (self.enable_o & (due == 1))),
            Cover(~words.w_rdy),
            Cover(taken & (due == 1)),
        ]
        return m


class FetcherRules(Around):
    """Room, the reads in stages A and B and the FIFO's level are always 8 in all, so the FIFO never overflows; an item
    that is offered stays until it is taken; banks are read for a walk only, and tokens are given as often as walks that
    give them end; a loop's end is known beforehand.

    Assumed: walks that stay until they are taken.
    """

    def __init__(self, fetcher: Component) -> None:
        super().__init__(fetcher, StableFifo)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        inside = self.place(m)
        (items,) = self.fifos
        room, read_a, read_b = (register(inside, name) for name in ("room", "read_a", "read_b"))
        ahead_valid, walking, last = (register(inside, name) for name in ("ahead_valid", "walking", "last"))
        walks, taken = Signal(2), self.jobs.valid & self.jobs.ready
        offered(m, self.jobs)
        stays(m, self.activations.valid, self.activations.ready, self.activations.payload)
        m.d.sync += walks.eq(walks + taken - last)
        m.d.comb += [
            Assert(room + read_a + read_b + items.level == items.depth),
            Assert(register(inside, "some") == (room != 0)),
            Assert(self.activations.valid == (items.level != 0)),
            implies(items.w_en, items.w_rdy),
            Assert(walks == ahead_valid + walking),
            implies(last, walking),
            Assert(self.bank_enable_o == read_a),
            Cover(~items.w_rdy),
            Cover(taken & (walks == 2)),
        ]
        self._tokens(m, inside, taken)
        for name, count in (("end", "left"), ("single", "turns")):
            for loop in range(LOOPS):
                m.d.comb += Assert(register(inside, f"{name}{loop}") == (register(inside, f"{count}{loop}") == 0))
        return m

    def _tokens(self, m: Module, inside: Fragment, taken: Value) -> None:
        """Tokens that walks still owe lie with the walk ahead, the one under way, or in the two stages after it."""
        ahead, walk = (struct(JOB)(register(inside, name)) for name in ("ahead", "walk"))
        ahead_valid, walking, stage = (register(inside, name) for name in ("ahead_valid", "walking", "signal_a"))
        for to in range(2):
            owed = Signal(4, name=f"owed_{to}")
            m.d.sync += owed.eq(owed + (taken & self.jobs.payload.signal[to]) - self.give_o[to])
            places = (ahead_valid & ahead.signal[to], walking & walk.signal[to], stage[to], self.give_o[to])
            m.d.comb += [Assert(owed == total(places)), Cover(owed == 2)]


class FetchRules(Around):
    """The FIFO of instructions never overflows, whatever was requested; an instruction that is offered stays until it
    is taken; no more are dispatched than the program has, and each goes to one queue; requests are aligned to vectors,
    or the program was in error at its start.

    Assumed: one start after reset (each start of the machine resets everything); vectors come back only for requests
    that were taken; an instruction leaves the FIFO with the traits with which it entered, which are its own.
    """

    def __init__(self, fetch: Component) -> None:
        self.machine = fetch.machine
        super().__init__(fetch, StableFifo)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        inside = self.place(m)
        (queue,) = self.fifos
        vector, self.started = self.machine.vector, Signal()
        self.per_entry, self.vectors_per = max(1, vector // INSTRUCTION_BYTES), max(1, INSTRUCTION_BYTES // vector)
        m.d.sync += self.started.eq(self.started | self.start_i)
        m.d.comb += [
            Assume(~(self.start_i & self.started)),
            implies(queue.w_en, queue.w_rdy),
            implies(queue.r_en, queue.r_rdy),
            Cover(queue.level == 2),
        ]
        for claim, words in ((Assert, queue.w_data), (Assume, queue.r_data)):
            for each in data.View(self.part.entry, words):
                m.d.comb += claim(each.traits.as_value() == traits(each.word, self.machine))
        self._room(m, inside)
        self._dispatch(m, inside)
        return m

    def _room(self, m: Module, inside: Fragment) -> None:
        """Room, instructions in the FIFO and those that were requested are 64 in all, but for the rest of the last
        vector, which may be no instruction."""
        (queue,), k = self.fifos, self.per_entry
        room, left, rest = register(inside, "room"), register(inside, "left"), Signal(range(k + 1))
        owed, done = Signal(10), _part(inside)
        requested, count = self.requests.valid & self.requests.ready, self.requests.payload.count
        chunk = Mux(left < FETCH_CHUNK, left, FETCH_CHUNK)
        m.d.sync += owed.eq(owed + Mux(requested, count, 0) - self.beat_i.valid)
        with m.If(requested):
            m.d.sync += rest.eq(rest + count * k - chunk if k > 1 else Const(0, 1))
        if k > 1:
            books = room + (queue.level + owed) * k == FETCH_QUEUE + done + rest
        elif self.vectors_per > 1:
            books = (room + queue.level) * self.vectors_per + owed + done == FETCH_QUEUE * self.vectors_per
        else:
            books = room + queue.level + owed == FETCH_QUEUE
        stays(m, self.requests.valid, self.requests.ready, self.requests.payload)
        unaligned = Signal()
        with m.If(self.start_i):
            m.d.sync += unaligned.eq(self.error_o == MachineError.UNALIGNED_PROGRAM)
        m.d.comb += [
            Assume(~self.beat_i.valid | (owed != 0)),
            Assert(books),
            Assert(room <= FETCH_QUEUE),
            implies(register(inside, "may_ask"), left != 0, room >= FETCH_CHUNK),
            Assert(register(inside, "due") == left + FETCH_QUEUE - room),
            Assert(queue.level * self.vectors_per + owed <= queue.depth * self.vectors_per),
            Assert(rest < k),
            implies(left != 0, rest == 0),
            implies(left != 0, unaligned | (self.requests.payload.address % self.machine.vector == 0)),
            implies(self.requests.valid, room >= FETCH_CHUNK, count != 0),
            implies(~self.started, left == 0, owed == 0, queue.level == 0, room == FETCH_QUEUE, done == 0),
        ]

    def _dispatch(self, m: Module, inside: Fragment) -> None:
        """Streams are steady and exclusive, and as many instructions leave as `due` says."""
        taken, due, gone = register(inside, "taken"), register(inside, "due"), Signal(24)
        ports = (self.load_o, self.execute_o, self.store_o)
        valid = Cat(port.valid for port in ports)
        for port in ports:
            stays(m, port.valid, port.ready, port.payload, unless=self.halt_i)
        with m.If(self.start_i):
            m.d.sync += gone.eq(self.count_i)
        with m.Elif(taken):
            m.d.sync += gone.eq(gone - 1)
        m.d.comb += [
            Assert((valid & (valid - 1))[: len(valid)] == 0),
            implies(valid.any() | taken, due != 0, ~self.halt_i, self.fifos[0].r_rdy),
            Assert(register(inside, "busy") == (due != 0)),
            Assert(register(inside, "last") == (due == 1)),
            Assert(register(inside, "more") == (register(inside, "left") != 0)),
            Assert(register(inside, "whole") == (register(inside, "left") >= FETCH_CHUNK)),
            implies((self.error_o != 0) & (self.error_o != MachineError.EMPTY_INSTRUCTION), ~valid.any()),
            Assert((self.error_o == MachineError.EMPTY_INSTRUCTION) == (valid.any() & self._of_nothing())),
            Assert(due == gone),
            Cover(self.store_o.valid & self.store_o.ready & (due == 1)),
        ]

    def _of_nothing(self) -> Value:
        """What is offered is a LOAD, a ZERO or a STORE whose count is 0."""
        word: Value = self.load_o.payload
        bits = {Opcode.LOAD: (60, 76), Opcode.ZERO: (24, 40), Opcode.STORE: (80, 94)}
        return Cat((word[:4] == opcode) & ~word[first:end].any() for opcode, (first, end) in bits.items()).any()


def _part(inside: Fragment) -> Value:
    """Vectors of an instruction that are there, or instructions of a vector that are gone: of the two registers of this
    name at most one has any bits."""
    assigned = [s for statements in inside.statements.values() for s in statements._lhs_signals()]
    found = {id(s): s for s in assigned if s.name == "part" and len(s)}
    assert len(found) <= 1
    return next(iter(found.values()), Const(0, 1))
