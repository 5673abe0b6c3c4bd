"""Tiles out of the weight memory, as the core's weight stream."""

from __future__ import annotations

from collections.abc import Mapping

from skipbeat_arch import ports
from skipbeat_arch.depths import WEIGHT_ROOM
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import TILE_READ

from ..core.fifo import Fifo
from .execute import TileRead


class WeightReader:
    """Twin of the weight reader. `evaluate` sets the wires of the clock, `update` ends it.

    Natively the stream `weights` is `front`, a `weight_fields` word, None while it is not valid.
    """

    def __init__(self, machine: Machine) -> None:
        self._flag = 1 << machine.hw.word_bits
        self._words: Fifo[int] = Fifo(WEIGHT_ROOM)
        self.reset()

    def reset(self) -> None:
        """All registers."""
        self._words.reset()
        self._left = self.address = 0
        self._room = WEIGHT_ROOM
        self._reading = self._reading_last = False

    @property
    def front(self) -> int | None:
        """The word on the stream `weights`."""
        return self._words.front

    def evaluate(self) -> None:
        """Wires: `read` (the memory is read at `address`) and `tiles_ready`."""
        self.read = self._left != 0 and self._room != 0
        self.tiles_ready = self._left == 0 or (self.read and self._left == 1)

    def update(self, tile: TileRead | None, data: int, weights_ready: bool) -> None:
        """End of a clock with `data_i` and `weights.ready`, in which `tile` was transferred, if not None."""
        sent = weights_ready and bool(self._words.items)
        pushed = None
        if self._reading:
            pushed = data | self._flag if self._reading_last else data
        if sent or pushed is not None:
            self._words.update(sent, pushed)
        self._room += sent - self.read
        self._reading, self._reading_last = self.read, self._left == 1
        if tile is not None:
            self.address, self._left = tile
        elif self.read:
            self.address = (self.address + 1) & 0xFFFF
            self._left -= 1

    def outputs(self, inputs: Mapping[str, int]) -> dict[str, int]:
        """Values of the output ports; `weights__payload` is a `weight_fields` word, 0 while it is not valid."""
        self.evaluate()
        return {
            "tiles__ready": int(self.tiles_ready),
            "address_o": self.address,
            "enable_o": int(self.read),
            "weights__valid": int(self.front is not None),
            "weights__payload": self.front or 0,
        }

    def tick(self, inputs: Mapping[str, int]) -> None:
        """End of the clock; `tiles__payload` is a `TILE_READ` word."""
        self.evaluate()
        tile = TileRead(**ports.unpack(TILE_READ, inputs["tiles__payload"]))
        transfer = inputs["tiles__valid"] and self.tiles_ready
        self.update(tile if transfer else None, inputs["data_i"], bool(inputs["weights__ready"]))
        if inputs.get("rst", 0):
            self.reset()
