"""Where each word of the weight stream goes: a tile's metadata first, then its values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from skipbeat_arch import ports
from skipbeat_arch.command import CoreError, Encoding, metadata_bits
from skipbeat_arch.hardware import Hardware


class Tile(NamedTuple):
    """A tile's descriptor."""

    encoding: int
    beat: int
    rows: int
    cols: int


class Dispatcher:
    """Twin of the dispatcher. `evaluate` sets the wires of the clock, `update` ends it."""

    def __init__(self, hw: Hardware) -> None:
        self._hw = hw
        self.reset()

    def reset(self) -> None:
        """All registers."""
        self.next_valid = self.active = False
        self._next_words = self.left = 0

    def words(self, tile: Tile) -> int:
        """Words of the tile's metadata."""
        bits = metadata_bits(tile.encoding, tile.beat, self._hw.array.group)
        return -(-tile.rows * bits // self._hw.numbers.weight_bits)

    def evaluate(
        self,
        tile: Tile | None,
        last: bool | None,
        halt: bool,
        *,
        unpack_ready: bool,
        rows_ready: bool,
        metadata_ready: bool,
        values_ready: bool,
    ) -> None:
        """Wires: `tiles_ready`, `take_tile`, `weights_ready`, `to_metadata`, `to_values` (transfers) and `error`.

        Args:
            tile: the descriptor on the stream, None if there is none.
            last: the flag of the word on the weight stream, None if there is none.
        """
        running = self.active and not halt
        meta = self.left != 0
        self.weights_ready = running and (metadata_ready if meta else values_ready)
        transfer = self.weights_ready and last is not None
        self.to_metadata = transfer and meta
        self.to_values = transfer and not meta
        self._done = self.to_values and bool(last)
        self._advance = self.next_valid and (not self.active or self._done)
        self.tiles_ready = rows_ready and unpack_ready and (not self.next_valid or self._advance) and not halt
        self.take_tile = self.tiles_ready and tile is not None
        self._tile = tile
        self.error = CoreError.TRUNCATED_TILE if self.to_metadata and last else CoreError.NONE

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
            self.next_valid, self._next_words = True, self.words(self._tile)
        elif self._advance:
            self.next_valid = False

    def _evaluate(self, inputs: Mapping[str, int]) -> Tile:
        tile = Tile(**ports.unpack(ports.tile_fields(self._hw), inputs["tiles__payload"]))
        last = bool(inputs["weights__payload"] >> self._hw.word_bits & 1)
        self.evaluate(
            tile if inputs["tiles__valid"] else None,
            last if inputs["weights__valid"] else None,
            bool(inputs["halt_i"]),
            unpack_ready=bool(inputs["unpack_o__ready"]),
            rows_ready=bool(inputs["rows_o__ready"]),
            metadata_ready=bool(inputs["metadata_o__ready"]),
            values_ready=bool(inputs["values_o__ready"]),
        )
        return tile

    def outputs(self, inputs: Mapping[str, int]) -> dict[str, int]:
        """Values of the output ports; payloads are words of `tile_fields`, `unpack_fields` and `weight_fields`."""
        tile = self._evaluate(inputs)
        hw, word = self._hw, inputs["weights__payload"]
        valid = bool(inputs["weights__valid"]) and self.active and not inputs["halt_i"]
        unpack = {"encoding": tile.encoding, "beat": tile.beat, "rows": tile.rows, "words": self.words(tile)}
        return {
            "tiles__ready": int(self.tiles_ready),
            "weights__ready": int(self.weights_ready),
            "unpack_o__payload": ports.pack(ports.unpack_fields(hw), unpack),
            "unpack_o__valid": int(self.take_tile and tile.encoding != Encoding.DENSE),
            "rows_o__payload": ports.pack(ports.tile_fields(hw), tile._asdict()),
            "rows_o__valid": int(self.take_tile),
            "metadata_o__payload": word & ((1 << hw.word_bits) - 1),
            "metadata_o__valid": int(valid and self.left != 0),
            "values_o__payload": word,
            "values_o__valid": int(valid and self.left == 0),
            "error_o": int(self.error),
        }

    def tick(self, inputs: Mapping[str, int]) -> None:
        """End of the clock."""
        self._evaluate(inputs)
        self.update()
        if inputs.get("rst", 0):
            self.reset()
