"""Metadata words to L groups per clock."""

from __future__ import annotations

from typing import NamedTuple

from skipbeat_arch import ports
from skipbeat_arch.command import metadata_bits
from skipbeat_arch.hardware import Hardware


class Unpack(NamedTuple):
    """A tile's descriptor for the unpacker."""

    encoding: int
    beat: int
    rows: int
    words: int


class Unpacker:
    """Twin of the unpacker. `evaluate` sets the wires of the clock, `update` ends it."""

    def __init__(self, hw: Hardware) -> None:
        self._hw = hw
        self._lanes = hw.weights.decode_lanes
        self._steps_per_row = hw.array.cols // self._lanes
        self.reset()

    def reset(self) -> None:
        """All registers."""
        self.active = False
        self._m = self._steps_left = self._words_left = self._buffer = self._bits = 0

    @property
    def steps_valid(self) -> bool:
        """A step can leave."""
        return self.active and self._bits >= self._lanes * self._m

    @property
    def steps(self) -> list[int]:
        """The metadata of L groups."""
        return ports.unpack_array(self._buffer, self._lanes, self._m) if self._m else [0] * self._lanes

    def evaluate(self, steps_ready: bool) -> None:
        """Wires: `emit`, `words_ready`, `tiles_ready`."""
        size = self._lanes * self._m
        self.emit = steps_ready and self.steps_valid
        self._final = self.emit and self._steps_left == 1
        self._rest = self._bits - size if self.emit else self._bits
        self.words_ready = self.active and self._words_left != 0 and self._rest < size
        self.tiles_ready = not self.active or self._final

    def update(self, tiles: Unpack | None, words: int | None) -> None:
        """End of a clock with what is on the streams."""
        tile = tiles if self.tiles_ready else None
        word = words if self.words_ready else None
        if self.emit:
            self._buffer >>= self._lanes * self._m
            self._steps_left -= 1
        self._bits = self._rest
        if word is not None:
            self._buffer |= word << self._rest
            self._bits += self._hw.word_bits
            self._words_left -= 1
        if tile is not None:
            self.active = True
            self._m = metadata_bits(tile.encoding, tile.beat, self._hw.array.group)
            self._steps_left, self._words_left = tile.rows * self._steps_per_row, tile.words
            self._bits = self._buffer = 0
        elif self._final:
            self.active = False
