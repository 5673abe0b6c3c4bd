"""What stands in the weight decoder's place where M = 1: each word is a row of the tile."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring

from skipbeat_arch.command import CoreError
from skipbeat_arch.depths import DENSE_TILES
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.ports import row_bits

from ..arguments import expect
from ..queue import Queue
from .decoder import WeightDecoder, decoder_ports


class DenseDecoder(wiring.Component):
    """Counts the words of a tile, one for each of its rows; there is nothing to decode and nothing to align.

    One word per clock, from one tile to the next without a gap. `write_o` follows 2 clocks after the word was taken.
    The first word of a tile is taken 2 clocks after its descriptor, at the earliest.

    Members
    -------
    As those of `WeightDecoder`; there are no rows with metadata, and no words of it.
    """

    def __init__(self, hw: Hardware) -> None:
        expect(hw, Hardware)
        self.hw = hw
        super().__init__(decoder_ports(hw))

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules.tile_queue = tiles = Queue(self.tiles.payload.rows.shape(), depth=DENSE_TILES)
        active = Signal()
        last_row = Signal(row_bits(self.hw))
        row = Signal.like(last_row)
        fire = Signal()
        m.d.comb += [
            tiles.i.payload.eq(self.tiles.payload.rows),
            tiles.i.valid.eq(self.tiles.valid),
            self.tiles.ready.eq(tiles.i.ready),
            self.weights.ready.eq(active & self.bank_ok_i & ~self.halt_i),
            fire.eq(self.weights.valid & self.weights.ready),
            self.done_o.eq(fire & (row == last_row)),
            self.value_word_o.eq(fire),
            tiles.o.ready.eq(~active | self.done_o),
        ]
        with m.If(tiles.o.valid & tiles.o.ready):
            m.d.sync += [active.eq(1), last_row.eq(tiles.o.payload - 1), row.eq(0)]
        with m.Elif(self.done_o):
            m.d.sync += active.eq(0)
        with m.Elif(fire):
            m.d.sync += row.eq(row + 1)
        with m.If(fire & (self.weights.payload.last != (row == last_row))):
            early = self.weights.payload.last
            m.d.comb += self.error_o.eq(Mux(early, CoreError.TRUNCATED_TILE, CoreError.OVERLONG_TILE))

        taken = Signal()
        taken_row = Signal.like(row, reset_less=True)
        word = Signal.like(self.weights.payload.data, reset_less=True)
        m.d.sync += [
            taken.eq(fire),
            taken_row.eq(row),
            word.eq(self.weights.payload.data),
            self.write_o.enable.eq(taken),
            self.write_o.row.eq(taken_row),
            self.write_o.values.eq(word),
        ]
        return m


def weight_decoder(hw: Hardware) -> WeightDecoder | DenseDecoder:
    """The decoder that this hardware has.

    Raises:
        TypeError: `hw` is no hardware description.
    """
    expect(hw, Hardware)
    return DenseDecoder(hw) if hw.is_dense else WeightDecoder(hw)
