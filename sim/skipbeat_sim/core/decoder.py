"""From the weight stream to slots with values: dispatcher, unpacker, slots and aligner with the queues between."""

from __future__ import annotations

from collections.abc import Mapping

from skipbeat_arch import ports
from skipbeat_arch.command import Encoding
from skipbeat_arch.depths import CORE_QUEUE
from skipbeat_arch.hardware import Hardware

from .aligner import Aligner, Write, write_word
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
        # clocks in a row in which nothing was transferred (after 3 the aligner's pipeline has come to rest as well),
        # and the inputs of the last of them, to which the wires belong
        self._rest = 0
        self._seen: Inputs | None = None
        self._asleep = False

    @property
    def write(self) -> Write:
        """`write_o`."""
        return self.aligner.write

    def evaluate(self, tile: Tile | None, word: int | None, bank_ok: bool, halt: bool) -> None:
        """Wires: `tiles_ready`, `weights_ready`, `done` and `error`; and what happens inside, to be counted.

        `to_metadata` and `to_values`: a word was transferred; `load_metadata`: a row of groups begins.

        Args:
            tile: the descriptor on the stream, None if there is none.
            word: the `weight_fields` word on the stream, None if there is none.
        """
        inputs = tile, word, bank_ok, halt
        self._asleep = self._rest >= 3 and inputs == self._seen
        if self._asleep:
            return
        self._inputs, self._tile, self._word, self._seen = inputs, tile, word, None
        slots, aligner, dispatcher, unpacker = self.slots, self.aligner, self.dispatcher, self.unpacker
        aligner.evaluate(slots.op if slots.op_valid else None, bank_ok, halt)
        slots.evaluate(self._rows.front, aligner.fire)
        unpacker.evaluate(slots.steps_ready)
        dispatcher.evaluate(
            tile,
            None if word is None else bool(word >> self._hw.word_bits),
            halt,
            unpack_ready=self._unpack.ready,
            rows_ready=self._rows.ready,
            metadata_ready=self._metadata.ready,
            values_ready=aligner.words_ready,
        )
        self.tiles_ready, self.weights_ready, self.done = dispatcher.tiles_ready, dispatcher.weights_ready, aligner.done
        self.to_metadata, self.to_values = dispatcher.to_metadata, dispatcher.to_values
        self.load_metadata = slots.load_metadata
        self.error = dispatcher.error or slots.error or aligner.error

    def update(self) -> None:
        """End of the clock."""
        if self._asleep:
            return
        slots, dispatcher, unpacker = self.slots, self.dispatcher, self.unpacker
        tile = self._tile if dispatcher.take_tile else None
        data = None if self._word is None else self._word & ((1 << self._hw.word_bits) - 1)
        last = self._word is not None and bool(self._word >> self._hw.word_bits)
        step = unpacker.step if unpacker.emit else None
        self.aligner.update(slots.op, data if dispatcher.to_values else None, last)
        next_row_tile = slots.tiles_ready
        slots.update(step)
        next_tile = self._unpack.front if unpacker.tiles_ready else None
        next_word = self._metadata.front if unpacker.words_ready else None
        unpacker.update(next_tile, next_word)
        unpack = None
        if tile is not None and tile.encoding != Encoding.DENSE:
            unpack = Unpack(tile.encoding, tile.beat, tile.rows, dispatcher.words(tile))
        self._unpack.update(next_tile is not None, unpack)
        self._rows.update(next_row_tile, tile)
        self._metadata.update(next_word is not None, data if dispatcher.to_metadata else None)
        moves = dispatcher.moves or slots.moves or self.aligner.fire or step or next_tile or next_word is not None
        self._rest, self._seen = (0, None) if moves else (self._rest + 1, self._inputs)
        dispatcher.update()

    def _evaluate(self, inputs: Mapping[str, int]) -> None:
        tile = Tile(**ports.unpack(ports.tile_fields(self._hw), inputs["tiles__payload"]))
        self.evaluate(
            tile if inputs["tiles__valid"] else None,
            inputs["weights__payload"] if inputs["weights__valid"] else None,
            bool(inputs["bank_ok_i"]),
            bool(inputs["halt_i"]),
        )

    def outputs(self, inputs: Mapping[str, int]) -> dict[str, int]:
        """Values of the output ports; `write_o` is a `write_fields` word."""
        self._evaluate(inputs)
        return {
            "tiles__ready": int(self.tiles_ready),
            "weights__ready": int(self.weights_ready),
            "write_o": write_word(self.write, self._hw),
            "done_o": int(self.done),
            "error_o": int(self.error),
            "row_decoded_o": int(self.load_metadata),
            "metadata_word_o": int(self.to_metadata),
            "value_word_o": int(self.to_values),
        }

    def tick(self, inputs: Mapping[str, int]) -> None:
        """End of the clock; payloads are `tile_fields` and `weight_fields` words."""
        self._evaluate(inputs)
        self.update()
        if inputs.get("rst", 0):
            self.reset()

    def reset(self) -> None:
        """All of it."""
        for part in (self.dispatcher, self.unpacker, self.slots, self.aligner):
            part.reset()
        for queue in (self._unpack, self._rows, self._metadata):
            queue.reset()
        self._rest = 0
