"""The weight decoder: compressed words in, one slot of a whole row per clock out."""

from __future__ import annotations

from amaranth import Module, Mux
from amaranth.hdl import Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import Component, In, Out

from skipbeat_arch.command import CoreError
from skipbeat_arch.depths import CORE_QUEUE
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.ports import ENCODING_BITS, tile_fields, weight_fields, write_fields

from ..arguments import expect
from ..layouts import struct
from ..queue import Queue
from .aligner import Aligner
from .dispatcher import Dispatcher
from .slots import Slots
from .unpacker import Unpacker


def decoder_ports(hw: Hardware) -> dict[str, wiring.Member]:
    """The ports of the weight decoder, and of what stands in its place where there is nothing to decode."""
    return {
        "tiles": In(stream.Signature(struct(tile_fields(hw)))),
        "weights": In(stream.Signature(struct(weight_fields(hw)))),
        "bank_ok_i": In(1),
        "halt_i": In(1),
        "write_o": Out(struct(write_fields(hw))),
        "done_o": Out(1),
        "error_o": Out(CoreError),
        "row_decoded_o": Out(1),
        "metadata_word_o": Out(1),
        "value_word_o": Out(1),
    }


class WeightDecoder(wiring.Component):
    """Dispatcher, unpacker, slots and aligner, joined, with queues between: no `ready` goes through two of them.

    Reads bitmap, coordinate and dense tiles. A tile of r rows takes about max(words, r · max(b, C / L)) clocks; its
    metadata may come while the tile before it is still being written.

    Members
    -------
    tiles: stream of `tile_fields`. weights: stream of {data, last}. bank_ok_i, halt_i: see `Aligner`.
    write_o, done_o: see `Aligner`. error_o: `CoreError` in the clock in which it is found.
    row_decoded_o, metadata_word_o, value_word_o: events, for counters.
    """

    def __init__(self, hw: Hardware) -> None:
        expect(hw, Hardware)
        self.hw = hw
        super().__init__(decoder_ports(hw))

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules.dispatcher = dispatcher = Dispatcher(self.hw)
        m.submodules.unpacker = unpacker = Unpacker(self.hw)
        m.submodules.slots = slots = Slots(self.hw)
        m.submodules.aligner = aligner = Aligner(self.hw)
        wiring.connect(m, wiring.flipped(self.tiles), dispatcher.tiles)
        wiring.connect(m, wiring.flipped(self.weights), dispatcher.weights)
        wiring.connect(m, unpacker.steps, slots.steps)
        wiring.connect(m, slots.slots, aligner.slots)
        for name, source, sink, depth, shown in (
            ("unpack_queue", dispatcher.unpack_o, unpacker.tiles, CORE_QUEUE, 0),
            ("row_queue", dispatcher.rows_o, slots.tiles, CORE_QUEUE, ENCODING_BITS),
            ("values", dispatcher.values_o, aligner.words, 2, 0),
            ("metadata", dispatcher.metadata_o, unpacker.words, max(2, self.hw.metadata_words), 0),
        ):
            m.submodules[name] = queue = Queue(source.payload.shape(), depth=depth, shown=shown)
            wiring.connect(m, source, queue.i)
            wiring.connect(m, queue.o, sink)
        m.d.comb += [
            dispatcher.halt_i.eq(self.halt_i),
            aligner.halt_i.eq(self.halt_i),
            aligner.bank_ok_i.eq(self.bank_ok_i),
            self.write_o.eq(aligner.write_o),
            self.done_o.eq(aligner.done_o),
            self.error_o.eq(_first(dispatcher, slots, aligner)),
            self.row_decoded_o.eq(slots.row_loaded_o),
            self.metadata_word_o.eq(dispatcher.metadata_o.valid & dispatcher.metadata_o.ready),
            self.value_word_o.eq(dispatcher.values_o.valid & dispatcher.values_o.ready),
        ]
        return m


def _first(*parts: Component) -> Value:
    """The first error that is not zero."""
    code = 0
    for part in reversed(parts):
        code = Mux(part.error_o != 0, part.error_o, code)
    return code
