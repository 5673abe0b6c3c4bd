"""From the weight stream to slots with values: dispatcher, unpacker, slots and aligner with the queues between."""

from __future__ import annotations

from skipbeat_arch.depths import CORE_QUEUE
from skipbeat_arch.hardware import Hardware

from .aligner import Aligner, Write
from .dispatcher import Dispatcher, Tile
from .fifo import Fifo
from .slots import Slots
from .unpacker import Unpack, Unpacker

#: What the decoder sees in a clock: tile, weight word, bank_ok, halt.
Inputs = tuple[Tile | None, int | None, bool, bool]


class WeightDecoder:
    """Twin of the decoder. `evaluate` sets the wires of the clock, `update` ends it.

    While no register changes and the inputs stay the same, neither do the wires; then the parts are left alone.
    """

    def __init__(self, hw: Hardware) -> None:
        self._hw = hw
        self.dispatcher, self.unpacker = Dispatcher(hw), Unpacker(hw)
        self.slots, self.aligner = Slots(hw), Aligner(hw)
        self._unpack: Fifo[Unpack] = Fifo(CORE_QUEUE)
        self._rows: Fifo[Tile] = Fifo(CORE_QUEUE)
        self._metadata: Fifo[int] = Fifo(max(2, hw.metadata_words))
        self._values: Fifo[int] = Fifo(2)
        # clocks in a row in which nothing was transferred (after 3 the aligner's pipeline has come to rest as well),
        # and the inputs of the last of them, to which the wires belong
        self._rest = 0
        self._seen: Inputs | None = None
        self._asleep = False

    @property
    def write_o(self) -> Write:
        """The aligner's."""
        return self.aligner.write_o

    def evaluate(self, tiles: Tile | None, weights: int | None, bank_ok_i: bool, halt_i: bool) -> None:
        """Wires: the output ports; `weights` is a `weight_fields` word."""
        inputs = tile, word, bank_ok, halt = tiles, weights, bank_ok_i, halt_i
        self._asleep = self._rest >= 3 and inputs == self._seen
        if self._asleep:
            return
        self._inputs, self._seen = inputs, None
        slots, aligner, dispatcher, unpacker = self.slots, self.aligner, self.dispatcher, self.unpacker
        aligner.evaluate(slots.slots if slots.slots_valid else None, bank_ok, halt)
        slots.evaluate(self._rows.front, aligner.slots_ready)
        unpacker.evaluate(slots.steps_ready)
        dispatcher.evaluate(
            tile,
            tile is not None,
            word or 0,
            word is not None,
            halt,
            unpack_o_ready=self._unpack.ready,
            rows_o_ready=self._rows.ready,
            metadata_o_ready=self._metadata.ready,
            values_o_ready=self._values.ready,
        )
        self.tiles_ready, self.weights_ready = dispatcher.tiles_ready, dispatcher.weights_ready
        self.metadata_word_o, self.value_word_o = dispatcher.to_metadata, dispatcher.to_values
        self.row_decoded_o, self.done_o = slots.row_loaded_o, aligner.done_o
        self.error_o = dispatcher.error_o or slots.error_o or aligner.error_o

    def update(self) -> None:
        """End of the clock."""
        if self._asleep:
            return
        slots, dispatcher, unpacker = self.slots, self.dispatcher, self.unpacker
        tile = dispatcher.rows_o if dispatcher.rows_o_valid else None
        unpack = dispatcher.unpack_o if dispatcher.unpack_o_valid else None
        metadata = dispatcher.metadata_o if dispatcher.to_metadata else None
        step = unpacker.steps if unpacker.emit else None
        next_value = self._values.front if self.aligner.words_ready else None
        self.aligner.update(next_value)
        self._values.update(next_value is not None, dispatcher.values_o if dispatcher.to_values else None)
        next_row_tile = slots.tiles_ready
        slots.update(step)
        next_tile = self._unpack.front if unpacker.tiles_ready else None
        next_word = self._metadata.front if unpacker.words_ready else None
        unpacker.update(next_tile, next_word)
        self._unpack.update(next_tile is not None, unpack)
        self._rows.update(next_row_tile, tile)
        self._metadata.update(next_word is not None, metadata)
        fired = self.aligner.fires or (self.aligner.slots_ready and slots.slots_valid)
        came = next_tile or next_word is not None or next_value is not None
        moves = dispatcher.moves or slots.moves or fired or step or came
        self._rest, self._seen = (0, None) if moves else (self._rest + 1, self._inputs)
        dispatcher.update()

    def reset(self) -> None:
        """All of it."""
        for part in (self.dispatcher, self.unpacker, self.slots, self.aligner):
            part.reset()
        for queue in (self._unpack, self._rows, self._metadata, self._values):
            queue.reset()
        self._rest = 0
