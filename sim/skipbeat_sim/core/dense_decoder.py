"""What stands in the weight decoder's place where M = 1: each word is a row of the tile."""

from __future__ import annotations

from skipbeat_arch import ports
from skipbeat_arch.command import CoreError
from skipbeat_arch.depths import DENSE_TILES
from skipbeat_arch.hardware import Hardware

from .aligner import Write
from .decoder import WeightDecoder
from .dispatcher import Tile
from .fifo import Fifo


class DenseDecoder:
    """Twin of the dense decoder. `evaluate` sets the wires of the clock, `update` ends it.

    Attributes:
        write_o: the output register; without `enable`, what else is in it means nothing.
        row_decoded_o, metadata_word_o: never.
    """

    row_decoded_o = metadata_word_o = False

    def __init__(self, hw: Hardware) -> None:
        self._hw = hw
        self._zeros = [0] * hw.array.cols
        self._queue: Fifo[Tile] = Fifo(DENSE_TILES)
        self.reset()

    def reset(self) -> None:
        """All registers."""
        self._queue.reset()
        self._tile: Tile | None = None
        self._row = 0
        self._nothing = Write(False, 0, 0, self._zeros, self._zeros)
        self._stage = self.write_o = self._nothing

    def evaluate(self, tiles: Tile | None, weights: int | None, bank_ok_i: bool, halt_i: bool) -> None:
        """Wires: the output ports; `weights` is a `weight_fields` word."""
        self._offered, self._word = tiles, weights
        self.tiles_ready = self._queue.ready
        self.weights_ready = self._tile is not None and bank_ok_i and not halt_i
        self.value_word_o = self.weights_ready and weights is not None
        ends = self._tile is not None and self._row == self._tile.rows - 1
        self.done_o = self.value_word_o and ends
        self.error_o = CoreError.NONE
        if self.value_word_o and weights is not None and bool(weights >> self._hw.word_bits) != ends:
            self.error_o = CoreError.OVERLONG_TILE if ends else CoreError.TRUNCATED_TILE

    def update(self) -> None:
        """End of the clock."""
        self.write_o, self._stage = self._stage, self._nothing
        if self.value_word_o and self._word is not None:
            values = ports.unpack_array(self._word, self._hw.array.cols, self._hw.numbers.weight_bits)
            self._stage = Write(True, self._row, 0, values, self._zeros, self.done_o)
        take = self._queue.front is not None and (self._tile is None or self.done_o)
        if take:
            self._tile, self._row = self._queue.front, 0
        elif self.done_o:
            self._tile = None
        elif self.value_word_o:
            self._row += 1
        self._queue.update(take, self._offered if self.tiles_ready else None)


def weight_decoder(hw: Hardware) -> WeightDecoder | DenseDecoder:
    """The decoder that this hardware has."""
    return DenseDecoder(hw) if hw.is_dense else WeightDecoder(hw)
