"""The dispatcher: sends each word of the weight stream to metadata or to values."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.hdl import Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.command import CoreError, Encoding
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.ports import tile_fields, unpack_fields, weight_fields, words_bits

from ..arguments import expect
from ..layouts import struct


def metadata_words(m: Module, tile: data.View, hw: Hardware) -> Signal:
    """Words of metadata of a tile that is loaded, ceil(rows · bits / wb), with M, b · log2 M or 0 bits per group.

    W = C values per word and C groups per row: the columns cancel. Few numbers of bits can be, and a choice among
    products with constants is quicker than a multiplier.
    """
    words = Signal(words_bits(hw))
    group, value_bits = hw.array.group, hw.numbers.weight_bits
    with m.If(tile.encoding == Encoding.BITMAP):
        m.d.comb += words.eq(_ceil_divide(tile.rows * group, value_bits))
    with m.Elif(tile.encoding == Encoding.COORDINATE), m.Switch(tile.beat):
        for beat in range(1, group // max(1, hw.index_bits) + 1):
            with m.Case(beat):
                m.d.comb += words.eq(_ceil_divide(tile.rows * (beat * hw.index_bits), value_bits))
    return words


class Dispatcher(wiring.Component):
    """Counts a tile's metadata words; the words after them, up to `last`, are values.

    One word per clock, from one tile to the next without a gap: the next descriptor is taken ahead. A stall of either
    side stalls the stream.

    Members
    -------
    tiles: stream of `tile_fields`, in the order of the weight stream. weights: stream of {data, last}.
    halt_i: take no tile any more; words of those that were taken go on, as far as there is room for them.
    unpack_o, rows_o: the descriptor for the unpacker (not for dense tiles) and for the slots.
    metadata_o, values_o: the two kinds of words. error_o: TRUNCATED_TILE if `last` comes within the metadata.
    """

    def __init__(self, hw: Hardware) -> None:
        expect(hw, Hardware)
        self.hw = hw
        super().__init__(
            {
                "tiles": In(stream.Signature(struct(tile_fields(hw)))),
                "weights": In(stream.Signature(struct(weight_fields(hw)))),
                "halt_i": In(1),
                "unpack_o": Out(stream.Signature(struct(unpack_fields(hw)))),
                "rows_o": Out(stream.Signature(struct(tile_fields(hw)))),
                "metadata_o": Out(stream.Signature(hw.word_bits)),
                "values_o": Out(stream.Signature(struct(weight_fields(hw)))),
                "error_o": Out(CoreError),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        words = self.tiles.payload.words
        next_valid = Signal()
        next_words = Signal.like(words)
        active = Signal()
        left = Signal.like(words)
        # Whether there are words of metadata left, and in the next tile, is known a clock ahead.
        some = Signal()
        next_some = Signal()
        taken = Signal()
        done = Signal()
        advance = Signal()
        m.d.comb += [
            taken.eq(self.weights.valid & self.weights.ready),
            done.eq(taken & self.weights.payload.last & ~some),
            advance.eq(next_valid & (~active | done)),
        ]
        # A tile has at least two words: the descriptor after the next one is in time a clock after that one begins, and
        # so waits for no word.
        self._descriptors(m, ~(next_valid & active))
        with m.If(self.tiles.valid & self.tiles.ready):
            m.d.sync += [next_valid.eq(1), next_words.eq(words), next_some.eq(words != 0)]
        with m.Elif(advance):
            m.d.sync += next_valid.eq(0)

        m.d.comb += [
            self.metadata_o.payload.eq(self.weights.payload.data),
            self.values_o.payload.eq(self.weights.payload),
        ]
        with m.If(active & some):
            m.d.comb += [self.metadata_o.valid.eq(self.weights.valid), self.weights.ready.eq(self.metadata_o.ready)]
        with m.Elif(active):
            m.d.comb += [self.values_o.valid.eq(self.weights.valid), self.weights.ready.eq(self.values_o.ready)]

        with m.If(advance):
            m.d.sync += [active.eq(1), left.eq(next_words), some.eq(next_some)]
        with m.Elif(done):
            m.d.sync += active.eq(0)
        with m.Elif(taken & some):
            m.d.sync += [left.eq(left - 1), some.eq(left != 1)]
        with m.If(taken & self.weights.payload.last & some):
            m.d.comb += self.error_o.eq(CoreError.TRUNCATED_TILE)
        return m

    def _descriptors(self, m: Module, room: Value) -> None:
        """Passes the descriptor on to the unpacker and the slots, both in the same clock."""
        tile = self.tiles.payload
        transfer = Signal()
        m.d.comb += [
            self.tiles.ready.eq(self.rows_o.ready & self.unpack_o.ready & room & ~self.halt_i),
            transfer.eq(self.tiles.valid & self.tiles.ready),
            self.rows_o.payload.eq(tile),
            self.rows_o.valid.eq(transfer),
            self.unpack_o.payload.encoding.eq(tile.encoding),
            self.unpack_o.payload.beat.eq(tile.beat),
            self.unpack_o.payload.rows.eq(tile.rows),
            self.unpack_o.payload.words.eq(tile.words),
            self.unpack_o.valid.eq(transfer & (tile.encoding != Encoding.DENSE)),
        ]


def _ceil_divide(value: Value, divisor: int) -> Value:
    """ceil(value / divisor): a shift where it can be one, otherwise a division by a constant."""
    return (value + (divisor - 1)) // divisor
