"""What is proved of a port that is wider than a beat, behind the masters that are proved elsewhere."""

from __future__ import annotations

from amaranth.hdl import Assert, Assume, Const, Cover, Fragment, Module, Mux, Signal, Value
from amaranth.lib.wiring import Component

from skipbeat_hw.tools.formal import register
from tests.hw.machine.formal_parts import Around, RegisterFifo, implies


class WidePortRules(Around):
    """A beat takes the bytes of the port that its address names (A3.4.1), whatever beats and addresses do.

    Asserted: beat k of a read burst is what lies in the port at the burst's place + k; beat k of a request to write has
    strobes for exactly the place of the request's address + k, and its bytes are there; what waits for a first beat
    never overflows.

    Assumed, as `ReaderRules` proves: at most OUT bursts are under way, and a beat comes only for one of them. As
    `WriterRules` proves: an address is on offer in every clock of a request until all are taken, and in none between
    two requests; bursts lie one behind the other; a beat comes after the clock in which the first address came.
    """

    def __init__(self, port: Component) -> None:
        self.machine = port.machine
        super().__init__(port, RegisterFifo)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        inside = self.place(m)
        self._reads(m, inside)
        self._writes(m, inside)
        return m

    def _place(self, begin: Value, beats: Value) -> Value:
        """Of a beat behind so many others."""
        return (begin + beats)[: len(self.read_at_i)]

    def _reads(self, m: Module, inside: Fragment) -> None:
        """Ghosts: places of the bursts without a beat; of the one that has some, its place and how many it has."""
        depth, bits = self.machine.hw.memory.outstanding, len(self.read_at_i)
        m.submodules.asked = asked = RegisterFifo(width=bits, depth=depth)
        under_way, begun = Signal(range(depth + 1)), Signal()
        first, given = Signal(bits), Signal(bits)
        (waiting,) = self.fifos
        m.d.sync += under_way.eq(under_way + self.asked_i - (self.beat_i & self.last_i))
        m.d.comb += [
            Assume(~self.asked_i | (under_way != depth)),
            Assume(~self.beat_i | (asked.level + begun != 0)),
            asked.w_en.eq(self.asked_i),
            asked.w_data.eq(self.read_at_i),
            asked.r_en.eq(self.beat_i & ~begun),
            implies(self.asked_i, waiting.w_rdy),
            Assert(under_way <= depth),
            Assert(asked.level + begun == under_way),
            Assert(waiting.level == asked.level),
            *(implies(i < asked.level, asked.entries[i] == waiting.entries[i]) for i in range(depth)),
            Assert(register(inside, "inside") == begun),
            implies(begun, register(inside, "following") == self._place(first, given)),
        ]
        with m.If(self.beat_i):
            m.d.sync += [begun.eq(~self.last_i), given.eq(Mux(begun, given + 1, 1))]
            with m.If(~begun):
                m.d.sync += first.eq(asked.r_data)
        place = Mux(begun, self._place(first, given), asked.r_data)
        m.d.comb += [
            implies(self.beat_i, self.read_o == self.wide_i.word_select(place, len(self.read_o))),
            Cover(self.beat_i & begun & (asked.level != 0)),
        ]

    def _writes(self, m: Module, inside: Fragment) -> None:
        """Ghosts: whether a request has come, the place of its first address, and its beats so far."""
        before, came, begin, given = Signal(), Signal(), Signal(len(self.read_at_i)), Signal(len(self.read_at_i))
        begins = self.offered_i & ~before
        m.d.sync += before.eq(self.offered_i)
        with m.If(begins):
            m.d.sync += [came.eq(1), begin.eq(self.write_at_i), given.eq(0)]
        with m.Else():
            m.d.sync += given.eq(given + self.moved_i)
        place = self._place(begin, given)
        size = self.machine.beat_bytes
        m.d.comb += [
            Assume(~self.moved_i | (came & ~begins)),
            Assert(register(inside, "offered") == before),
            implies(came, register(inside, "writing") == place),
            implies(self.moved_i, self.strobes_o == Const((1 << size) - 1, len(self.strobes_o)) << (place * size)),
            implies(self.moved_i, self.wide_o.word_select(place, 8 * size) == self.write_i),
            Cover(self.moved_i & (given != 0) & ~self.offered_i),
        ]
