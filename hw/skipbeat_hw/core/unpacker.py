"""The unpacker: metadata words in, the metadata of L groups per clock out."""

from __future__ import annotations

import math

from amaranth import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.command import Encoding
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.ports import unpack_fields

from ..arguments import expect
from ..layouts import struct


class Unpacker(wiring.Component):
    """A gearbox from words of C·wb bits to steps of L fields of m bits, m fixed for a tile.

    m is M (bitmap) or b · log2 M (coordinate, no more than M). One step per clock as long as words come; the padding at
    the end of a tile costs no clock, the change to the next tile costs one.

    Members
    -------
    tiles: stream of `unpack_fields`. words: stream of metadata words. steps: stream of [L][M] bits, fields
    zero-extended.
    """

    def __init__(self, hw: Hardware) -> None:
        expect(hw, Hardware)
        self.hw = hw
        self.lanes = hw.weights.decode_lanes
        group, index_bits = hw.array.group, hw.index_bits
        #: Metadata widths that a tile can have: coordinate's multiples of log2 M, and bitmap's M.
        self.widths = sorted({*range(index_bits, group + 1, index_bits), group})
        super().__init__(
            {
                "tiles": In(stream.Signature(struct(unpack_fields(hw)))),
                "words": In(stream.Signature(hw.word_bits)),
                "steps": Out(stream.Signature(data.ArrayLayout(unsigned(group), self.lanes))),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        tile = self.tiles.payload
        largest = self.lanes * self.hw.array.group
        buffer = Signal(self.hw.word_bits + largest - 1)
        bits = Signal(range(len(buffer) + 1))
        active = Signal()
        width = Signal(range(self.hw.array.group + 1))
        words_left = Signal.like(tile.words)
        steps_left = Signal(range(self.hw.array.rows * self.hw.array.cols + 1))

        # Known a clock ahead, so that no comparison stands between the steps' `ready` and the next word: whether a step
        # is there, and a second one behind it; whether words are still to come, and whether this is the last step.
        one, two, more, last = (Signal(name=name) for name in ("one", "two", "more", "last"))

        step_bits = Signal(range(largest + 1))
        rest = Signal.like(bits)
        emit = Signal()
        final = Signal()
        refill = Signal()
        rest_of_buffer = Signal.like(buffer)
        m.d.comb += [
            self.steps.valid.eq(active & one),
            emit.eq(self.steps.valid & self.steps.ready),
            final.eq(emit & last),
            rest.eq(Mux(emit, bits - step_bits, bits)),
            self.words.ready.eq(active & more & ~Mux(emit, two, one)),
            refill.eq(self.words.valid & self.words.ready),
            self.tiles.ready.eq(~active | final),
            rest_of_buffer.eq(buffer),
        ]
        self._steps(m, width, step_bits, buffer, emit, rest_of_buffer)
        self._move(m, emit, refill, buffer, rest_of_buffer, rest)
        self._count(m, width, bits, step_bits, (one, two), emit, refill)
        with m.If(emit):
            m.d.sync += [steps_left.eq(steps_left - 1), last.eq(steps_left == 2)]
        with m.If(refill):
            m.d.sync += [words_left.eq(words_left - 1), more.eq(words_left != 1)]
        with m.If(self.tiles.valid & self.tiles.ready):
            coordinate = tile.encoding == Encoding.COORDINATE
            steps = tile.rows * (self.hw.array.cols // self.lanes)
            m.d.sync += [active.eq(1), *(each.eq(0) for each in (bits, one, two, buffer))]
            m.d.sync += width.eq(Mux(coordinate, tile.beat * self.hw.index_bits, self.hw.array.group))
            m.d.sync += [steps_left.eq(steps), last.eq(steps == 1), words_left.eq(tile.words), more.eq(tile.words != 0)]
        with m.Elif(final):
            m.d.sync += active.eq(0)
        return m

    def _count(
        self,
        m: Module,
        width: Signal,
        bits: Signal,
        step: Signal,
        there: tuple[Signal, Signal],
        emit: Signal,
        refill: Signal,
    ) -> None:
        """The bits that there will be, and whether they are one step and two: a choice among sums known early."""
        one, two = there
        filled = bits + self.hw.word_bits
        #: Whether the bits are three steps, and whether those with a word more are one, two and three.
        three = Signal()
        filled_reach = Signal(3)
        with m.Switch(width):
            for each in self.widths:
                with m.Case(each):
                    one_step, two_steps, three_steps = (count * each * self.lanes for count in (1, 2, 3))
                    m.d.comb += [
                        three.eq(bits >= three_steps),
                        filled_reach.eq(Cat(filled >= steps for steps in (one_step, two_steps, three_steps))),
                    ]
        with m.If(refill & emit):
            m.d.sync += [bits.eq(filled - step), one.eq(filled_reach[1]), two.eq(filled_reach[2])]
        with m.Elif(refill):
            m.d.sync += [bits.eq(filled), one.eq(filled_reach[0]), two.eq(filled_reach[1])]
        with m.Elif(emit):
            m.d.sync += [bits.eq(bits - step), one.eq(two), two.eq(three)]

    def _steps(
        self, m: Module, width: Signal, step_bits: Signal, buffer: Signal, emit: Signal, rest_of_buffer: Signal
    ) -> None:
        """Fields of a step and what the buffer keeps after it: a choice among few constant shifts."""
        with m.Switch(width):
            for bits in self.widths:
                with m.Case(bits):
                    m.d.comb += step_bits.eq(bits * self.lanes)
                    for lane in range(self.lanes):
                        m.d.comb += self.steps.payload[lane].eq(buffer[lane * bits : (lane + 1) * bits])
                    with m.If(emit):
                        m.d.comb += rest_of_buffer.eq(buffer >> bits * self.lanes)

    def _move(
        self, m: Module, emit: Signal, refill: Signal, buffer: Signal, rest_of_buffer: Signal, rest: Signal
    ) -> None:
        """What stays, and the new word above it. `rest` takes few values, so a switch is smaller than a shifter."""
        with m.If(refill), m.Switch(rest):
            for offset in self._rests():
                with m.Case(offset):
                    m.d.sync += buffer.eq(Cat(rest_of_buffer[:offset], self.words.payload))
        with m.Elif(emit):
            m.d.sync += buffer.eq(rest_of_buffer)

    def _rests(self) -> list[int]:
        """Numbers of bits that can be left when a word is taken: below a step, multiples of gcd(step, word)."""
        rests: set[int] = set()
        for width in self.widths:
            step = width * self.lanes
            rests.update(range(0, step, math.gcd(step, self.hw.word_bits)))
        return sorted(rests)
