"""Where each word of the weight stream goes: a tile's metadata first, then its values."""

from __future__ import annotations

from typing import NamedTuple

from skipbeat_arch.command import Command, CoreError, Encoding, metadata_bits
from skipbeat_arch.hardware import Hardware

from .unpacker import Unpack


class Tile(NamedTuple):
    """A tile's descriptor; `words` are those of its metadata."""

    encoding: int
    beat: int
    rows: int
    cols: int
    words: int

    @classmethod
    def of(cls, command: Command, hw: Hardware) -> Tile:
        """The tile that a command loads."""
        bits = metadata_bits(command.encoding, command.beat, hw.array.group)
        words = -(-command.rows * bits // hw.numbers.weight_bits)
        return cls(command.encoding, command.beat, command.rows, command.cols, words)


class Dispatcher:
    """Twin of the dispatcher. `evaluate` sets the wires of the clock, `update` ends it."""

    def __init__(self, hw: Hardware) -> None:
        self._hw = hw
        self.reset()

    def reset(self) -> None:
        """All registers."""
        self.next_valid = self.active = False
        self._next_words = self.left = 0

    def evaluate(
        self,
        tiles_payload: Tile | None,
        tiles_valid: bool,
        weights_payload: int,
        weights_valid: bool,
        halt_i: bool,
        unpack_o_ready: bool,
        rows_o_ready: bool,
        metadata_o_ready: bool,
        values_o_ready: bool,
    ) -> None:
        """Wires: the output ports; `take_tile`, `to_metadata` and `to_values`: transfers.

        Args:
            tiles_payload: the descriptor on the stream; None only if it is not valid.
            weights_payload: a `weight_fields` word.
        """
        self._tile, self._word = tiles_payload, weights_payload
        self._offers = self.active and weights_valid
        meta = self.left != 0
        self.weights_ready = self.active and (metadata_o_ready if meta else values_o_ready)
        transfer = self.weights_ready and weights_valid
        last = bool(weights_payload >> self._hw.word_bits)
        self.to_metadata = transfer and meta
        self.to_values = transfer and not meta
        self._done = self.to_values and last
        self._advance = self.next_valid and (not self.active or self._done)
        free = not (self.next_valid and self.active)
        self.tiles_ready = rows_o_ready and unpack_o_ready and free and not halt_i
        self.take_tile = self.tiles_ready and tiles_valid
        self.error_o = CoreError.TRUNCATED_TILE if self.to_metadata and last else CoreError.NONE

    @property
    def rows_o(self) -> Tile | None:
        """The tile for the slots."""
        return self._tile

    @property
    def rows_o_valid(self) -> bool:
        """The tile is transferred."""
        return self.take_tile

    @property
    def unpack_o(self) -> Unpack | None:
        """The tile for the unpacker."""
        tile = self._tile
        return None if tile is None else Unpack(tile.encoding, tile.beat, tile.rows, tile.words)

    @property
    def unpack_o_valid(self) -> bool:
        """The tile is transferred and has metadata."""
        return self.take_tile and self._tile is not None and self._tile.encoding != Encoding.DENSE

    @property
    def metadata_o(self) -> int:
        """The word without its flag."""
        return self._word & ((1 << self._hw.word_bits) - 1)

    @property
    def metadata_o_valid(self) -> bool:
        """The word is metadata."""
        return self._offers and self.left != 0

    @property
    def values_o(self) -> int:
        """The word."""
        return self._word

    @property
    def values_o_valid(self) -> bool:
        """The word is values."""
        return self._offers and self.left == 0

    @property
    def moves(self) -> bool:
        """A register changes at the end of the clock."""
        return self._advance or self.take_tile or self.to_metadata or self.to_values

    def update(self) -> None:
        """End of the clock."""
        if self._advance:
            self.active, self.left = True, self._next_words
        elif self._done:
            self.active = False
        elif self.to_metadata:
            self.left -= 1
        if self.take_tile and self._tile:
            self.next_valid, self._next_words = True, self._tile.words
        elif self._advance:
            self.next_valid = False
