"""What is proved of the packing (docs/training.md lists it)."""

from __future__ import annotations

from amaranth.hdl import Assert, Assume, Cat, Const, Cover, Fragment, Module, Mux, Signal, Value
from amaranth.lib import data
from amaranth.lib.wiring import Component

from skipbeat_hw.tools.formal import register
from tests.hw.core.formal_invariants import Wrapped
from tests.hw.core.symbolic_tile import total
from tests.hw.machine.formal_parts import implies, stays


class PackRules(Wrapped):
    """Of each block M / 8 + N vectors leave, which are those of its bundles, each once and in order; for ever.

    A block leaves as soon as two are there, and a vector is taken unless two blocks and one vector are inside. Ghosts:
    how many were taken and given; and of each of the three blocks that can be inside one vector.

    Parameters
    ----------
    which: of a block's M vectors the one whose way is followed.
    """

    def __init__(self, pack: Component, which: int) -> None:
        self.group, self.width, self.bits = pack.group, pack.width, pack.bits
        self.bitmaps, self.which = pack.bitmaps, which
        super().__init__(pack)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        inside = self.place(m)
        before, later = Signal.like(self.n_i), Signal()
        m.d.sync += [before.eq(self.n_i), later.eq(1)]
        m.d.comb += Assume(~later | (before == self.n_i))
        put, got, behind, giving = self._count(m)
        numbered, full, leaving, entered = (register(inside, n) for n in ("numbered", "full", "leaving", "entered"))
        ghosts = self._remember(m, put, (giving + behind)[:3])
        count = behind * self.group + put
        m.d.comb += [
            Assert(behind <= 2),
            Assert(giving <= 2),
            Assert(count == numbered + Mux(full, self.group, entered) + Mux(leaving, self.group, 0)),
            implies(full, entered == 0),
            implies(~leaving, got == 0),
            implies(leaving, register(inside, "left") + got + 1 == self.bitmaps + self.n_i),
            implies(leaving, got < self.bitmaps + self.n_i),
            implies(behind == 2, self.o.valid),
            Assert(self.i.ready | (count == 2 * self.group + 1)),
            Cover((count == 2 * self.group + 1) & (giving == 2) & self.o.ready),
        ]
        entering = Mux(leaving, _following(ghosts, giving), _chosen(ghosts, giving))
        newest = Mux(leaving, Mux(full, _following(ghosts, giving, 2), entering), entering)
        newest = Mux(~leaving & full, _following(ghosts, giving), newest)
        self._arrived(m, inside, numbered & (entered == self.which), newest)
        here = Mux(full, self.group, entered)
        self._entering(m, inside, here, self._expected(entering))
        self._leaving(m, inside, leaving, got, self._expected(_chosen(ghosts, giving)))
        stays(m, self.o.valid, self.o.ready, self.o.payload.as_value())
        return m

    def _count(self, m: Module) -> tuple[Signal, Signal, Signal, Signal]:
        """Vectors taken and given of their blocks; whole blocks that were taken and have not left; which leaves next,
        of three places."""
        put, got = Signal(range(self.group)), Signal(range(self.bitmaps + 2 * self.group))
        behind, giving = Signal(2), Signal(2)
        taken, given = self.i.valid & self.i.ready, self.o.valid & self.o.ready
        whole, left = taken & put.all(), given & (got + 1 == self.bitmaps + self.n_i)
        m.d.sync += [put.eq(put + taken), behind.eq(behind + whole - left)]
        with m.If(given):
            m.d.sync += got.eq(Mux(left, 0, got + 1))
        with m.If(left):
            m.d.sync += giving.eq(Mux(giving == 2, 0, giving + 1))
        return put, got, behind, giving

    def _remember(self, m: Module, put: Signal, place: Value) -> list[Signal]:
        """Vector `which` of the block in each of three places, of which the one that is taken has number `place`
        modulo 3."""
        ghosts = [Signal(len(self.i.payload.as_value()), name=f"ghost_{k}") for k in range(3)]
        for k, ghost in enumerate(ghosts):
            mine = (place == k) | (place == k + 3)
            with m.If(self.i.valid & self.i.ready & (put == self.which) & mine):
                m.d.sync += ghost.eq(self.i.payload.as_value())
        return ghosts

    def _expected(self, vector: Value) -> tuple[Value, list[Value]]:
        """The bits that a vector adds to its block's bitmap, and the bytes that it adds to each slot."""
        elements = self.i.payload.shape()(vector)
        bundles = [
            _moved_up([elements[begin + k] for k in range(self.group)]) for begin in range(0, self.width, self.group)
        ]
        slots = [Cat(bundle[slot] for bundle in bundles) for slot in range(self.group)]
        return Cat(element.kept for element in elements), slots

    def _arrived(self, m: Module, inside: Fragment, is_which: Value, vector: Value) -> None:
        """The first register, and in which slot each of its elements is."""
        came = self.i.payload.shape()(register(inside, "came"))
        m.d.comb += implies(is_which, came.as_value() == vector)
        kept = [element.kept for element in came]
        numbered = register(inside, "numbered")
        for lane in range(self.width):
            first = lane - lane % self.group
            for slot in range(lane % self.group + 1):
                bit = register(inside, f"slots_{lane}")[slot]
                m.d.comb += implies(numbered, bit == (kept[lane] & (total(kept[first:lane]) == slot)))

    def _entering(self, m: Module, inside: Fragment, here: Value, expected: tuple[Value, list[Value]]) -> None:
        """The vector is where the columns that came after it have pushed it to."""
        bits, slots = expected
        for entered in range(self.which + 1, self.group + 1):
            there, place = here == entered, self.group - entered + self.which
            m.d.comb += implies(there, register(inside, "bitmap").word_select(place, self.width) == bits)
            for slot, columns in enumerate(slots):
                row = register(inside, f"entering_{slot}")
                m.d.comb += implies(there, row.word_select(place, len(columns)) == columns)

    def _leaving(
        self, m: Module, inside: Fragment, leaving: Value, got: Value, expected: tuple[Value, list[Value]]
    ) -> None:
        """What is left of the block, and what is on offer, of the vector; slots that there are not are 0."""
        bits, slots = expected
        size, vectors = self.bits * self.width, self.bitmaps + self.group
        rows = [register(inside, f"leaving_{k}") for k in range(vectors)]
        for number in range(vectors):
            for k, row in enumerate(rows[: vectors - number]):
                mine = leaving & (got == number)
                if k + number < self.bitmaps:
                    at = (self.which - (k + number) * self.bits) * self.width
                    if 0 <= at < size:
                        m.d.comb += implies(mine, row[at : at + self.width] == bits)
                    continue
                columns = slots[k + number - self.bitmaps]
                m.d.comb += implies(mine, row.word_select(self.which, len(columns)) == columns)
            for row in rows[vectors - number :]:
                m.d.comb += implies(leaving & (got == number), row == 0)
        beyond = leaving & (got >= vectors)
        m.d.comb += [implies(beyond, row == 0) for row in rows]
        m.d.comb += Assert(self.o.payload.as_value() == rows[0])


def _moved_up(bundle: list[data.View]) -> list[Value]:
    """The slots of a bundle: from its last element on, each kept one comes before those behind it."""
    slots: list[Value] = [Const(0, len(bundle[0].value))] * len(bundle)
    for element in reversed(bundle):
        slots = [
            Mux(element.kept, own, stays_here) for own, stays_here in zip([element.value, *slots], slots, strict=False)
        ]
    return slots


def _chosen(ghosts: list[Signal], place: Value) -> Value:
    return Mux(place == 0, ghosts[0], Mux(place == 1, ghosts[1], ghosts[2]))


def _following(ghosts: list[Signal], place: Value, further: int = 1) -> Value:
    return _chosen([*ghosts[further:], *ghosts[:further]], place)
