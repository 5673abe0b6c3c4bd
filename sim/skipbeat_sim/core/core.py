"""The whole core: command queues, decoder, loader, sequencer, array, accumulators and results."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np

from skipbeat_arch import ports
from skipbeat_arch.arrays import Bundles, Int64Array
from skipbeat_arch.command import Command, CoreError, command_error
from skipbeat_arch.depths import CORE_QUEUE
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.registers import Cause

from .accumulators import Accumulators, Control
from .array import SystolicArray
from .dense_decoder import weight_decoder
from .dispatcher import Tile
from .event_counter import Counter
from .fifo import Fifo
from .history import History
from .loader import WeightLoader
from .results import ResultBuffer
from .sequencer import Pass, Sequencer
from .skew import Skew


class Activity(NamedTuple):
    """What happens in a clock, as `ports.ACTIVITY` names it."""

    cause: Cause
    bundles: int
    accumulator_read: bool
    accumulator_write: bool
    result: bool
    slot_write: bool
    row_decoded: bool
    metadata_word: bool
    value_word: bool


class Core:
    """Twin of the core. `evaluate` sets the wires of the clock, `update` ends it.

    The array is left alone while no step is on its way through it, and the accumulators likewise: what their data
    registers hold then never reaches a port.

    Attributes:
        error: the error port, a `CoreError`.
        counter: events so far; a reset does not clear them.
    """

    def __init__(self, hw: Hardware) -> None:
        self._hw = hw
        rows, cols = hw.array.rows, hw.array.cols
        self.sequencer, self.decoder, self.loader = Sequencer(hw), weight_decoder(hw), WeightLoader(hw)
        self.array, self.accumulators, self.buffer = SystolicArray(hw), Accumulators(hw), ResultBuffer(hw)
        self._passes: Fifo[Pass] = Fifo(CORE_QUEUE)
        self._tiles: Fifo[Tile] = Fifo(CORE_QUEUE)
        self._slots = History(rows, (), np.int64)
        self._bundles = Skew(lanes=rows, width=ports.bundle_bits(hw), parts=hw.array.group)
        self._controls: deque[Control | None] = deque([None] * rows)
        self._through = rows + cols + 2
        self._in_flight = 0
        #: b and rows of the last tile that a command loads.
        self._loaded: tuple[int, int] | None = None
        self.error = self._decoder_error = CoreError.NONE
        self.counter = Counter(hw)

    @property
    def busy(self) -> bool:
        """`busy`: a pass waits or is under way, or a result has not left."""
        return bool(self._passes.items) or not self.sequencer.idle_o

    @property
    def accepts_command(self) -> bool:
        """`commands_ready` of the clock that begins: it depends on registers alone."""
        return self.error == CoreError.NONE and self._passes.ready and self._tiles.ready

    def evaluate(
        self, commands: int | None, weights: int | None, activations: Bundles | None, results_ready: bool
    ) -> None:
        """Wires: the output ports. Streams carry words but for bundles, int32 [R, M]."""
        halt = self.error != CoreError.NONE
        self._command, self._offered = commands, activations
        self.commands_ready = self.accepts_command
        self.buffer.evaluate(results_ready)
        self.sequencer.evaluate(self._passes.front, activations is not None, self.loader.full_o, halt)
        self.decoder.evaluate(self._tiles.front, weights, self.loader.bank_ok_o, halt)
        self.weights_ready = self.decoder.weights_ready
        self.activations_ready = self.sequencer.activations_ready

    def update(self) -> None:
        """End of the clock."""
        taken = self.buffer.taken_o
        self._count(taken)
        self.buffer.update(self.accumulators.push_o, self.accumulators.sums_o)
        self._feed_array()
        self._write_array()
        self.loader.update(self.decoder.done_o, self.sequencer.release_o)
        self._update_queues()
        self.sequencer.update(self._offered, taken)
        self.decoder.update()

    def _feed_array(self) -> None:
        sequencer, control = self.sequencer, self.sequencer.control
        self.accumulators.update(self._controls.popleft(), self.array.psums_o)
        if self.accumulators.collided:
            raise AssertionError("an accumulator's entry is read and written in the same clock")
        self._controls.append(control)
        if control:
            self._in_flight = self._through
            self.counter.step(control, sequencer.fed_rows, sequencer.slot_o)
        elif self._in_flight:
            self._in_flight -= 1
        else:
            return
        self._slots.push(sequencer.slot_o)
        self._bundles.push(sequencer.bundles_o)
        at = self._slots.at
        self.array.step(self._bundles.view(), self._slots.rows[at : at + self._hw.array.rows])

    def _write_array(self) -> None:
        write, loader = self.decoder.write_o, self.loader
        if not (write.enable or self.array.writing):
            return
        loader.evaluate(write if write.enable else None)
        weights = loader.shift()
        self.array.write((write.row,) if write.enable else (), loader.write_address_o, weights[:, 0], weights[:, 1])
        if write.enable:
            self.counter.write(write, loader.bank)

    def _update_queues(self) -> None:
        sequencer, decoder = self.sequencer, self.decoder
        next_pass, next_tile, error = None, None, CoreError.NONE
        if self._command is not None and self.commands_ready:
            command = Command.of_bits(self._command)
            error = command_error(command, self._hw)
            next_pass, next_tile = self._read_command(command)
        take_tile = decoder.tiles_ready and bool(self._tiles.items)
        self._passes.update(sequencer.passes_ready, next_pass)
        self._tiles.update(take_tile, next_tile)
        if self.error == CoreError.NONE:
            self.error = error or self._decoder_error or sequencer.error_o
        self._decoder_error = decoder.error_o

    def _read_command(self, command: Command) -> tuple[Pass, Tile | None]:
        """Its pass, and the tile that it loads; remembers of which b and rows that tile is."""
        beat, rows, load = command.beat, command.rows, command.load
        stale = not load and beat != 0 and (beat, rows) != self._loaded
        if load:
            self._loaded = beat, rows
        pass_ = Pass(command.pixels, beat, rows, load, command.first, command.last, stale)
        return pass_, Tile.of(command, self._hw) if load else None

    def _count(self, taken: bool) -> None:
        counter, decoder = self.counter, self.decoder
        counter.results += taken
        counter.metadata_words += decoder.metadata_word_o
        counter.value_words += decoder.value_word_o
        counter.rows_decoded += decoder.row_decoded_o

    @property
    def results(self) -> Int64Array:
        """The item at the result port, int64 [C] of unsigned bits; see `results_valid`."""
        return self.buffer.o

    @property
    def results_valid(self) -> bool:
        """There is an item."""
        return self.buffer.o_valid

    @property
    def activity(self) -> Activity:
        """The events of the clock."""
        sequencer, decoder, control = self.sequencer, self.decoder, self.sequencer.control
        opens = sequencer.cause_o == Cause.COMPUTE and sequencer.opens_o
        return Activity(
            cause=sequencer.cause_o,
            bundles=sequencer.rows_o if opens else 0,
            accumulator_read=control is not None and control.open and not control.first,
            accumulator_write=control is not None and control.close and not control.last,
            result=self.buffer.taken_o,
            slot_write=decoder.write_o.enable,
            row_decoded=decoder.row_decoded_o,
            metadata_word=decoder.metadata_word_o,
            value_word=decoder.value_word_o,
        )

    def reset(self) -> None:
        """All registers but data on its way, and no memory."""
        for part in (self.sequencer, self.decoder, self.loader, self.array, self.accumulators, self.buffer):
            part.reset()
        self._passes.reset()
        self._tiles.reset()
        self._controls = deque([None] * self._hw.array.rows)
        self._loaded = None
        self.error = self._decoder_error = CoreError.NONE
