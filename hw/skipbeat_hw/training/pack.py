"""Packs what was selected as the row of a tile lies in memory."""

from __future__ import annotations

from itertools import pairwise

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.hdl import Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.hardware import Hardware
from skipbeat_arch.training.packing import VALUE_BITS, bitmap_vectors

from ..arguments import expect, expect_groups


class Pack(wiring.Component):
    """Blocks of M vectors of bundles become bitmaps and vectors of values (`skipbeat_arch.training.packing`).

    A vector has V / M bundles, as they leave `turn` and the selection along the lanes. While a block enters, column
    after column, the one before it leaves, slot after slot. Its first vector is on `o` three clocks after its last
    bundles were taken, at the soonest. One vector per clock enters without a pause, if M / 8 + N < M and what leaves
    is taken. `i.ready` does not depend on `o.ready`.

    Parameters
    ----------
    bits: of a value.

    Members
    -------
    n_i: slots, those beyond M are 0; the same while a block is inside. i: stream of V elements {value, kept}.
    o: stream of V values: of each block M / 8 vectors of bitmap and N of values.

    Raises
    ------
    ValueError: M is no multiple of the bits of a value, or V no multiple of M.
    """

    def __init__(self, hw: Hardware, *, bits: int = VALUE_BITS) -> None:
        expect(hw, Hardware)
        expect_groups(hw)
        self.group, self.width = hw.array.group, hw.array.cols
        self.bits, self.bitmaps = bits, bitmap_vectors(self.group, bits)
        element = data.StructLayout({"value": bits, "kept": 1})
        super().__init__(
            {
                "n_i": In(hw.index_bits + 1),
                "i": In(stream.Signature(data.ArrayLayout(element, self.width))),
                "o": Out(stream.Signature(data.ArrayLayout(bits, self.width))),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        numbered = Signal()
        full = Signal()
        leaving = Signal()
        entered = Signal(range(self.group))
        left = Signal(range(self.bitmaps + 2 * self.group))
        enters = Signal()
        moves = Signal()
        room = ~full | ~leaving
        m.d.comb += [
            self.i.ready.eq(~numbered | room),
            enters.eq(numbered & room),
            moves.eq(full & ~leaving),
            self.o.valid.eq(leaving),
        ]
        with m.If(self.i.ready):
            m.d.sync += numbered.eq(self.i.valid)
        m.d.sync += entered.eq(entered + enters)
        with m.If(enters & entered.all()):
            m.d.sync += full.eq(1)
        with m.Elif(moves):
            m.d.sync += full.eq(0)
        with m.If(moves):
            m.d.sync += [leaving.eq(1), left.eq(self.n_i + (self.bitmaps - 1))]
        with m.Elif(leaving & self.o.ready):
            m.d.sync += [left.eq(left - 1), leaving.eq(left != 0)]
        block = self._entering(m, enters)
        self._leave(m, block, moves)
        return m

    def _numbered(self, m: Module) -> tuple[data.View, list[Signal]]:
        """The bundles that came; and for each lane in which slot its element is, by a bit each: in none if not kept."""
        came = Signal.like(self.i.payload, name="came", reset_less=True)
        slots = [Signal(lane % self.group + 1, name=f"slots_{lane}", reset_less=True) for lane in range(self.width)]
        kept = [element.kept for element in self.i.payload]
        with m.If(self.i.ready):
            m.d.sync += came.eq(self.i.payload)
            for lane, own in enumerate(slots):
                before = _total(kept[lane - lane % self.group : lane])
                m.d.sync += own.eq(Cat(kept[lane] & (before == slot) for slot in range(len(own))))
        return came, slots

    def _entering(self, m: Module, enters: Signal) -> list[Value]:
        """The vectors of the block that enters: what comes last is in the highest columns."""
        came, slots = self._numbered(m)
        rows = [Signal(self.bits * self.width, name=f"entering_{slot}", reset_less=True) for slot in range(self.group)]
        bitmap = Signal(self.group * self.width, reset_less=True)
        with m.If(enters):
            m.d.sync += bitmap.eq(Cat(bitmap, (element.kept for element in came))[self.width :])
            for slot, row in enumerate(rows):
                found = [self._found(came, slots, begin, slot) for begin in range(0, self.width, self.group)]
                m.d.sync += row.eq(Cat(row, found)[self.bits * len(found) :])
        return [*(bitmap.word_select(k, self.bits * self.width) for k in range(self.bitmaps)), *rows]

    def _found(self, came: data.View, slots: list[Signal], begin: int, slot: int) -> Value:
        """The value of a bundle, the one that begins with a lane, which belongs to a slot; or 0."""
        found: Value = Const(0, self.bits)
        for lane in range(begin + slot, begin + self.group):
            found |= came[lane].value & slots[lane][slot].replicate(self.bits)
        return found

    def _leave(self, m: Module, block: list[Value], moves: Signal) -> None:
        """A whole block, whose vectors move down as they leave."""
        rows = [Signal(self.bits * self.width, name=f"leaving_{k}", reset_less=True) for k in range(len(block))]
        m.d.comb += self.o.payload.eq(rows[0])
        with m.If(moves | self.o.ready):
            for (row, above), whole in zip(pairwise([*rows, Const(0, self.bits * self.width)]), block, strict=True):
                m.d.sync += row.eq(Mux(moves, whole, above))


def _total(bits: list[Value]) -> Value:
    """How many are 1."""
    if len(bits) < 2:
        return Cat(bits)
    half = len(bits) // 2
    return _total(bits[:half]) + _total(bits[half:])
