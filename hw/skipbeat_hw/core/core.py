"""The core: compressed weights, activation bundles and commands in, sums out."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal, unsigned
from amaranth.hdl import Const, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch.command import CoreError, Encoding
from skipbeat_arch.depths import CORE_QUEUE
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.ports import ACTIVITY, COMMAND, PASS_SHOWN, bundle_bits, pass_fields, tile_fields, weight_fields
from skipbeat_arch.registers import Cause

from ..arguments import expect
from ..layouts import struct
from ..queue import Queue
from .accumulators import Accumulators
from .array import SystolicArray
from .decoder import WeightDecoder
from .dense_decoder import DenseDecoder, weight_decoder
from .dispatcher import metadata_words
from .loader import WeightLoader
from .results import ResultBuffer
from .sequencer import Sequencer
from .skew import Skew

COMMAND_NAMES = {name for name, _ in COMMAND}


class Core(wiring.Component):
    """The sparse systolic core.

    Every port is a stream; any order of valid and ready is served. From the last step of a pixel to its result: R +
    C + 5 clocks. A command or a weight stream that contradicts itself sets `error`, and the core issues nothing more
    until reset; results that were already on their way still leave.

    Members
    -------
    commands: stream of command words. weights: stream of {data, last}. activations: stream of [R] bundles, one per
    pixel of each pass that is not null. results: stream of [C] sums, one per pixel of each last pass. error:
    `CoreError`, held until reset. busy: a pass or a result is on its way. activity: events, for counters.
    """

    def __init__(self, hw: Hardware) -> None:
        expect(hw, Hardware)
        self.hw = hw
        self.array, self.accumulators = SystolicArray(hw), Accumulators(hw)
        super().__init__(
            {
                "commands": In(stream.Signature(struct(COMMAND))),
                "weights": In(stream.Signature(struct(weight_fields(hw)))),
                "activations": In(stream.Signature(data.ArrayLayout(unsigned(bundle_bits(hw)), hw.array.rows))),
                "results": Out(
                    stream.Signature(data.ArrayLayout(unsigned(hw.numbers.accumulator_bits), hw.array.cols))
                ),
                "error": Out(CoreError),
                "busy": Out(1),
                "activity": Out(struct(ACTIVITY)),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules.sequencer = sequencer = Sequencer(self.hw)
        m.submodules.decoder = decoder = weight_decoder(self.hw)
        m.submodules.loader = loader = WeightLoader(self.hw)
        m.submodules.array = self.array
        m.submodules.accumulators = self.accumulators
        m.submodules.results = results = ResultBuffer(self.hw)
        halt = Signal()
        command_error = self._commands(m, sequencer, decoder, halt)
        m.d.comb += [sequencer.halt_i.eq(halt), decoder.halt_i.eq(halt)]
        self._halt(m, command_error, decoder.error_o, sequencer.error_o, halt)
        wiring.connect(m, wiring.flipped(self.weights), decoder.weights)
        wiring.connect(m, wiring.flipped(self.activations), sequencer.activations)
        m.d.comb += [
            decoder.bank_ok_i.eq(loader.bank_ok_o),
            loader.write_i.eq(decoder.write_o),
            loader.done_i.eq(decoder.done_o),
            loader.release_i.eq(sequencer.release_o),
            sequencer.full_i.eq(loader.full_o),
            sequencer.taken_i.eq(results.taken_o),
            self.array.write_enable_i.eq(loader.write_enable_o),
            self.array.write_address_i.eq(loader.write_address_o),
            self.array.weights_i.eq(loader.weights_o),
            self.accumulators.psums_i.eq(self.array.psums_o),
            results.push_i.eq(self.accumulators.push_o),
            results.sums_i.eq(self.accumulators.sums_o),
        ]
        wiring.connect(m, results.o, wiring.flipped(self.results))
        self._feed(m, sequencer)
        step, computes = sequencer.control_o, sequencer.cause_o == Cause.COMPUTE
        m.d.comb += [
            self.activity.cause.eq(sequencer.cause_o),
            self.activity.bundles.eq(Mux(computes & sequencer.opens_o, sequencer.rows_o, 0)),
            self.activity.accumulator_read.eq(step.valid & step.open & ~step.first),
            self.activity.accumulator_write.eq(step.valid & step.close & ~step.last),
            self.activity.result.eq(results.taken_o),
            self.activity.slot_write.eq(decoder.write_o.enable),
            self.activity.row_decoded.eq(decoder.row_decoded_o),
            self.activity.metadata_word.eq(decoder.metadata_word_o),
            self.activity.value_word.eq(decoder.value_word_o),
        ]
        return m

    def _halt(self, m: Module, of_command: Value, of_decoder: Value, of_sequencer: Value, halt: Signal) -> None:
        """Keeps the first error, and halts. A pass that takes a tile in error is halted before its first step."""
        earlier = Signal(CoreError)
        m.d.sync += earlier.eq(of_decoder)
        errors = of_command, earlier, of_sequencer
        # A register of its own: what is halted does not wait for a comparison.
        with m.If(~halt):
            m.d.sync += self.error.eq(Mux(errors[0] != 0, errors[0], Mux(errors[1] != 0, errors[1], errors[2])))
            m.d.sync += halt.eq(Cat(error != 0 for error in errors).any())

    def _commands(self, m: Module, sequencer: Sequencer, decoder: WeightDecoder | DenseDecoder, halt: Signal) -> Signal:
        """Queues each command as a pass and, with `load`, as a tile; returns its error.

        One that is in error is queued as well, as the queues need not wait for the check: the core is halted before
        they show it. What a pass needs to know of the tile before it is found here, ahead of the sequencer.
        """
        command = self.commands.payload
        m.submodules.pass_queue = passes = Queue(struct(pass_fields(self.hw)), depth=CORE_QUEUE, shown=PASS_SHOWN)
        m.submodules.tile_queue = tiles = Queue(struct(tile_fields(self.hw)), depth=CORE_QUEUE)
        wiring.connect(m, passes.o, sequencer.passes)
        wiring.connect(m, tiles.o, decoder.tiles)
        error = Signal(CoreError)
        transfer = Signal()
        m.d.comb += [
            error.eq(Mux(transfer, self._command_error(command), CoreError.NONE)),
            self.commands.ready.eq(passes.i.ready & tiles.i.ready & ~halt),
            transfer.eq(self.commands.valid & self.commands.ready),
            passes.i.valid.eq(transfer),
            tiles.i.valid.eq(transfer & command.load),
            self.busy.eq(passes.o.valid | ~sequencer.idle_o),
            *(passes.i.payload[name].eq(command[name]) for name, _ in pass_fields(self.hw) if name in COMMAND_NAMES),
            passes.i.payload.stale.eq(self._stale(m, tiles.i.valid)),
            passes.i.payload.one_step.eq(command.beat <= 1),
            passes.i.payload.two_steps.eq(command.beat <= 2),
            passes.i.payload.one_pixel.eq(command.pixels == 1),
            *(tiles.i.payload[name].eq(command[name]) for name, _ in tile_fields(self.hw) if name in COMMAND_NAMES),
            tiles.i.payload.words.eq(metadata_words(m, tiles.i.payload, self.hw)),
        ]
        return error

    def _stale(self, m: Module, loads: Signal) -> Value:
        """Whether a command wants a tile again that is not the last one that a command before it loads."""
        command = self.commands.payload
        loaded = Signal()
        loaded_beat = Signal.like(command.beat)
        loaded_rows = Signal.like(command.rows)
        with m.If(loads):
            m.d.sync += [loaded.eq(1), loaded_beat.eq(command.beat), loaded_rows.eq(command.rows)]
        same = loaded & (command.beat == loaded_beat) & (command.rows == loaded_rows)
        return ~command.load & (command.beat != 0) & ~same

    def _command_error(self, command: data.View) -> Value:
        """What `skipbeat_arch.command.command_error` defines."""
        array = self.hw.array
        bad_pixels = (command.pixels == 0) | _above(command.pixels, self.hw.accumulators.depth)
        bad_pass = _above(command.beat, array.group) | (command.rows == 0) | _above(command.rows, array.rows)
        is_dense = command.encoding == Encoding.DENSE
        encodings = [Encoding.DENSE] if self.hw.is_dense else list(Encoding)
        widest = array.group // max(1, self.hw.index_bits)
        too_wide = (command.encoding == Encoding.COORDINATE) & _above(command.beat, widest)
        bad_tile = (
            (command.cols == 0)
            | _above(command.cols, array.cols)
            | too_wide
            | (is_dense & (command.beat != array.group))
        )
        bad, none = CoreError.BAD_GEOMETRY, CoreError.NONE
        of_tile = Mux(command.encoding.matches(*encodings), Mux(bad_tile, bad, none), CoreError.RESERVED_ENCODING)
        of_pass = Mux(bad_pass, bad, Mux(command.load, of_tile, none))
        return Mux(bad_pixels, bad, Mux(command.beat == 0, Mux(command.load, bad, none), of_pass))

    def _feed(self, m: Module, sequencer: Sequencer) -> None:
        """The feed goes down the rows, one clock each; its control reaches the accumulators after R clocks."""
        rows = self.hw.array.rows
        m.submodules.skew = skew = Skew(width=bundle_bits(self.hw), lanes=rows)
        m.d.comb += [skew.i.eq(sequencer.bundles_o), self.array.bundles_i.eq(skew.o)]
        slot, control = sequencer.slot_o, sequencer.control_o
        for r in range(rows):
            m.d.comb += self.array.slots_i[r].eq(slot)
            later = Signal.like(slot, name=f"slot_{r + 1}", reset_less=True)
            m.d.sync += later.eq(slot)
            slot = later
            delayed = Signal.like(control, name=f"control_{r + 1}")
            m.d.sync += delayed.eq(control)
            control = delayed
        m.d.comb += self.accumulators.control_i.eq(control)


def _above(value: Value, most: int) -> Value:
    """Whether a value is more than `most`, which may be all that it can be."""
    if most.bit_count() == 1 and most < 1 << len(value):  # no carry chain
        bit = most.bit_length() - 1
        return value[bit + 1 :].any() | (value[bit] & value[:bit].any())
    return value > most if most < (1 << len(value)) - 1 else Const(0)
