"""The aligner: takes the values of one slot off the packed stream and gives each to its column."""

from __future__ import annotations

from amaranth import Array, Cat, Module, Mux, Signal, unsigned
from amaranth.hdl import Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.command import CoreError
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.ports import slot_fields, weight_fields, write_fields

from ..arguments import expect
from ..layouts import struct


class Aligner(wiring.Component):
    """A ring of two words of W = C values, read from any position: `count` values per slot.

    One slot and one word per clock. `write_o` follows 2 clocks after the slot was taken: first the window is rotated to
    the head of the ring, then each column picks its value by rank. At the last slot of a tile the rest of the last
    word is dropped, so that the next tile starts in a word of its own.

    Members
    -------
    words: stream of {data, last}. slots: stream of `slot_fields`. bank_ok_i: the bank can be written. halt_i: stop.
    write_o: `write_fields`. done_o: the last slot of a tile is taken. error_o: TRUNCATED_TILE or OVERLONG_TILE.
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
        width, slot = self.width, self.slots.payload
        # of a word of one value as well, `read` has a bit and `pos` can be compared with 2
        read = Signal(range(max(2, width)))
        read_half = Signal()
        ended = Signal()
        held = Signal(range(2 * width + 1))
        used = Signal.like(held)
        halves, lasts = self._refill(m, held, used)
        last_here, last_next = Mux(read_half, lasts[1], lasts[0]), Mux(read_half, lasts[0], lasts[1])
        pos = Signal(range(max(3, 2 * width)))
        cross, nothing, truncated, fire, ok = (Signal(name=n) for n in ("cross", "nothing", "truncated", "fire", "ok"))
        m.d.comb += [
            pos.eq(read + slot.count),
            cross.eq(pos > width),
            nothing.eq(slot.count == 0),
            truncated.eq(self.slots.valid & ~nothing & (ended | (cross & (held != 0) & last_here))),
            fire.eq(self.slots.valid & self.bank_ok_i & ~self.halt_i & (held >= slot.count) & ~truncated),
            self.slots.ready.eq(fire),
            ok.eq(Mux(nothing & (read == 0), ended, Mux(cross, last_next, last_here))),
            self.done_o.eq(fire & slot.final),
        ]
        with m.If(truncated & ~self.halt_i):
            m.d.comb += self.error_o.eq(CoreError.TRUNCATED_TILE)
        with m.Elif(fire & slot.final & ~ok):
            m.d.comb += self.error_o.eq(CoreError.OVERLONG_TILE)

        with m.If(fire & slot.final):
            m.d.sync += [read.eq(0), ended.eq(0)]
            with m.If(cross):
                m.d.comb += used.eq(2 * width - read)
            with m.Elif(~nothing | (read != 0)):
                m.d.comb += used.eq(width - read)
                m.d.sync += read_half.eq(~read_half)
        with m.Elif(fire):
            m.d.comb += used.eq(slot.count)
            m.d.sync += read.eq(Mux(pos >= width, pos - width, pos))
            with m.If(pos >= width):
                m.d.sync += read_half.eq(~read_half)
            with m.If(pos == width):
                m.d.sync += ended.eq(last_here)

        ring = Mux(read_half, Cat(halves[1], halves[0]), Cat(halves[0], halves[1]))
        self._place(m, fire, _rotated(m, ring, read, self.hw.numbers.weight_bits)[: self.hw.word_bits])
        return m

    def _refill(self, m: Module, held: Signal, used: Signal) -> tuple[list[Signal], list[Signal]]:
        """The two words and their `last`; one comes when a word's room is free after what this clock uses."""
        halves = [Signal(self.hw.word_bits, name=f"half_{i}", reset_less=True) for i in range(2)]
        lasts = [Signal(name=f"last_{i}") for i in range(2)]
        write_half = Signal()
        held_after = Signal.like(held)
        refill = self.words.valid & self.words.ready
        m.d.comb += [held_after.eq(held - used), self.words.ready.eq((held_after <= self.width) & ~self.halt_i)]
        m.d.sync += held.eq(held_after + Mux(refill, self.width, 0))
        with m.If(refill):
            m.d.sync += write_half.eq(~write_half)
            for i in range(2):
                with m.If(write_half == i):
                    m.d.sync += [halves[i].eq(self.words.payload.data), lasts[i].eq(self.words.payload.last)]
        return halves, lasts

    def _place(self, m: Module, fire: Signal, window: Value) -> None:
        """Two registered stages: the window at the head of the ring, then each column's value out of it."""
        values = data.ArrayLayout(unsigned(self.hw.numbers.weight_bits), self.width)
        staged = Signal.like(self.slots.payload, name="staged", reset_less=True)
        head = Signal(values, reset_less=True)
        staged_valid = Signal()
        m.d.sync += [staged_valid.eq(fire), self.write_o.enable.eq(staged_valid)]
        with m.If(fire):
            m.d.sync += [staged.eq(self.slots.payload), head.eq(window)]
        with m.If(staged_valid):
            m.d.sync += [
                self.write_o.row.eq(staged.row),
                self.write_o.slot.eq(staged.slot),
                self.write_o.index.eq(staged.index),
            ]
            choices = Array(head[i] for i in range(self.width))
            for c in range(self.width):
                m.d.sync += self.write_o.values[c].eq(Mux(staged.mask[c], choices[staged.rank[c]], 0))


def _rotated(m: Module, ring: Value, read: Signal, bits: int) -> Value:
    """`ring >> read * bits` as a chain of one multiplexer per bit of `read`."""
    for stage in range(len(read)):
        shifted = Signal(len(ring), name=f"rotated_{stage}")
        m.d.comb += shifted.eq(Mux(read[stage], ring >> (bits << stage), ring))
        ring = shifted
    return ring
