"""The aligner: takes the values of one slot off the packed stream and gives each to its column."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal, unsigned
from amaranth.hdl import Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.command import CoreError
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.ports import slot_fields, weight_fields, write_fields

from ..arguments import expect
from ..layouts import struct


def span_layout(width: int) -> data.StructLayout:
    """Where the values of a slot lie in words of `width` values.

    `read`: its first place. `full`: it takes the last value of the first word, and none of the second. `cross`: it
    takes some of the second. `nothing`: it has no value. `unread`: nor has any before it in the word.
    """
    return data.StructLayout({"read": range(max(2, width)), "full": 1, "cross": 1, "nothing": 1, "unread": 1})


class Aligner(wiring.Component):
    """Two words of W = C values, read from any position in the first one: `count` values per slot.

    One slot and one word per clock. A slot is taken into a register together with where its values begin and end, so
    that it fires by flags alone. `write_o` follows 2 clocks after it fired: first the window is cut out of the two
    words, then each column picks its value by rank. At the last slot of a tile the rest of the last
    word is dropped, so that the next tile starts in a word of its own.

    Members
    -------
    words: stream of {data, last}. slots: stream of `slot_fields`. bank_ok_i: the bank can be written. halt_i: stop.
    write_o: `write_fields`. done_o: the last slot of a tile fires. error_o: TRUNCATED_TILE or OVERLONG_TILE.
    """

    def __init__(self, hw: Hardware) -> None:
        expect(hw, Hardware)
        self.hw = hw
        self.width = hw.array.cols
        super().__init__(
            {
                "words": In(stream.Signature(struct(weight_fields(hw)))),
                "slots": In(stream.Signature(struct(slot_fields(hw)))),
                "bank_ok_i": In(1),
                "halt_i": In(1),
                "write_o": Out(struct(write_fields(hw))),
                "done_o": Out(1),
                "error_o": Out(CoreError),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        fire, ok, truncated, enough = (Signal(name=n) for n in ("fire", "ok", "truncated", "enough"))
        slot, waits, span = self._take(m, fire)
        ended = Signal()
        drop = Signal(range(3))
        words, lasts, there = self._refill(m, drop)
        m.d.comb += [
            truncated.eq(waits & ~span.nothing & (ended | (span.cross & there[0] & lasts[0]))),
            enough.eq(span.nothing | Mux(span.cross, there[1], there[0])),
            fire.eq(waits & self.bank_ok_i & ~self.halt_i & enough & ~truncated),
            ok.eq(Mux(span.unread, ended, Mux(span.cross, lasts[1], lasts[0]))),
            self.done_o.eq(fire & slot.final),
        ]
        with m.If(truncated & ~self.halt_i):
            m.d.comb += self.error_o.eq(CoreError.TRUNCATED_TILE)
        with m.Elif(fire & slot.final & ~ok):
            m.d.comb += self.error_o.eq(CoreError.OVERLONG_TILE)

        with m.If(fire & slot.final):
            m.d.sync += ended.eq(0)
            m.d.comb += drop.eq(Mux(span.cross, 2, ~span.unread))
        with m.Elif(fire):
            m.d.comb += drop.eq(span.full | span.cross)
            with m.If(span.full):
                m.d.sync += ended.eq(lasts[0])

        window = _from(m, Cat(words), span.read, self.hw.numbers.weight_bits)
        self._place(m, fire, slot, window[: self.hw.word_bits])
        return m

    def _take(self, m: Module, fire: Signal) -> tuple[data.View, Signal, data.View]:
        """The slot that is next to fire, whether there is one, and where its values lie."""
        width, offered = self.width, self.slots.payload
        slot = Signal.like(offered, name="slot", reset_less=True)
        waits = Signal()
        span = Signal(span_layout(width))
        read = Signal.like(span.read)
        # Of words of one value as well it can be compared with 2.
        pos = Signal(range(max(3, 2 * width)))
        m.d.comb += [self.slots.ready.eq((~waits & ~self.halt_i) | fire), pos.eq(read + offered.count)]
        with m.If(self.slots.ready):
            m.d.sync += waits.eq(self.slots.valid)
        with m.If(self.slots.ready & self.slots.valid):
            m.d.sync += [
                slot.eq(offered),
                span.read.eq(read),
                span.full.eq(pos == width),
                span.cross.eq(pos > width),
                span.nothing.eq(offered.count == 0),
                span.unread.eq(pos == 0),
                read.eq(Mux(offered.final, 0, Mux(pos >= width, pos - width, pos))),
            ]
        return slot, waits, span

    def _refill(self, m: Module, drop: Signal) -> tuple[list[Signal], list[Signal], Signal]:
        """The two words, their `last` and whether they are there; one comes if there is room after what is dropped."""
        words = [Signal(self.hw.word_bits, name=f"word_{i}", reset_less=True) for i in range(2)]
        lasts = [Signal(name=f"last_{i}") for i in range(2)]
        there = Signal(2)
        left = Signal(2)
        refill = self.words.valid & self.words.ready
        come = self.words.payload
        m.d.comb += [left.eq(there >> drop), self.words.ready.eq(~left[1] & ~self.halt_i)]
        m.d.sync += there.eq(Mux(refill, Cat(1, left[0]), left))
        with m.If((drop != 0) | ~there[0]):
            onwards = there[1] & ~drop[1]
            m.d.sync += [words[0].eq(Mux(onwards, words[1], come.data)), lasts[0].eq(Mux(onwards, lasts[1], come.last))]
        with m.If(~left[1]):
            m.d.sync += [words[1].eq(come.data), lasts[1].eq(come.last)]
        return words, lasts, there

    def _place(self, m: Module, fire: Signal, slot: data.View, window: Value) -> None:
        """Two registered stages: the window at the head of the ring, then each column's value out of it."""
        values = data.ArrayLayout(unsigned(self.hw.numbers.weight_bits), self.width)
        staged = Signal.like(slot, name="staged", reset_less=True)
        head = Signal(values, reset_less=True)
        staged_valid = Signal()
        # Only what is valid counts: fewer registers wait for what fires.
        m.d.sync += [staged.eq(slot), head.eq(window), staged_valid.eq(fire), self.write_o.enable.eq(staged_valid)]
        with m.If(staged_valid):
            m.d.sync += [
                self.write_o.row.eq(staged.row),
                self.write_o.slot.eq(staged.slot),
                self.write_o.index.eq(staged.index),
            ]
        bits_of_value = self.hw.numbers.weight_bits
        for c in range(self.width):
            # A column's rank is at most its number: so many bits of it choose among the values that it reaches.
            bits = c.bit_length()
            choices = Cat(head[min(i, c)] for i in range(1 << bits))
            # A register is reset by itself, if that does not wait for its enable.
            with m.If(~staged.mask[c]):
                m.d.sync += self.write_o.values[c].eq(0)
            with m.Elif(staged_valid):
                m.d.sync += self.write_o.values[c].eq(choices.word_select(staged.rank[c][:bits], bits_of_value))


def _from(m: Module, words: Value, read: Signal, bits: int) -> Value:
    """`words >> read * bits` as a chain of one multiplexer per bit of `read`, the highest first, as it leaves least."""
    for stage in reversed(range(len(read))):
        shifted = Signal(len(words), name=f"from_{stage}")
        m.d.comb += shifted.eq(Mux(read[stage], words >> (bits << stage), words))
        words = shifted
    return words
