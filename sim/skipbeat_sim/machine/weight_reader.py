"""Tiles out of the weight memory, as the core's weight stream."""

from __future__ import annotations

from skipbeat_arch.depths import WEIGHT_ROOM
from skipbeat_arch.machine import Machine

from ..core.fifo import Fifo
from .execute import TileRead


class WeightReader:
    """Twin of the weight reader. `evaluate` sets the wires of the clock, `update` ends it.

    The stream `weights` carries `weight_fields` words.
    """

    def __init__(self, machine: Machine) -> None:
        self._flag = 1 << machine.hw.word_bits
        self._words: Fifo[int] = Fifo(WEIGHT_ROOM)
        self.reset()

    def reset(self) -> None:
        """All registers."""
        self._words.reset()
        self._left = self.address_o = 0
        self._room = WEIGHT_ROOM
        self._reading = self._reading_last = False

    @property
    def weights(self) -> int | None:
        """The word on the stream `weights`."""
        return self._words.front

    def evaluate(self) -> None:
        """Wires: `enable_o` (the memory is read at `address_o`) and `tiles_ready`."""
        self.enable_o = self._left != 0 and self._room != 0
        self.tiles_ready = self._left == 0 or (self.enable_o and self._left == 1)

    def update(self, tiles: TileRead | None, data_i: int, weights_ready: bool) -> None:
        """End of a clock with what is on the stream `tiles`."""
        tile = tiles if self.tiles_ready else None
        sent = weights_ready and bool(self._words.items)
        pushed = None
        if self._reading:
            pushed = data_i | self._flag if self._reading_last else data_i
        if sent or pushed is not None:
            self._words.update(sent, pushed)
        self._room += sent - self.enable_o
        self._reading, self._reading_last = self.enable_o, self._left == 1
        if tile is not None:
            self.address_o, self._left = tile
        elif self.enable_o:
            self.address_o = (self.address_o + 1) & 0xFFFF
            self._left -= 1
