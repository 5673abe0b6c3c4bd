"""The whole core: command queues, decoder, loader, sequencer, array, accumulators and results."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import numpy as np

from skipbeat_arch import ports
from skipbeat_arch.arrays import Int32Array
from skipbeat_arch.command import Command, CoreError, command_error
from skipbeat_arch.depths import CORE_QUEUE
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.registers import Cause

from .accumulators import Accumulators, Control
from .array import SystolicArray
from .decoder import WeightDecoder
from .dispatcher import Tile
from .event_counter import Counter
from .fifo import Fifo
from .history import History
from .loader import WeightLoader
from .results import ResultBuffer
from .sequencer import Pass, Sequencer
from .skew import Skew


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
        self.sequencer, self.decoder, self.loader = Sequencer(hw), WeightDecoder(hw), WeightLoader(hw)
        self.array, self.accumulators, self.results = SystolicArray(hw), Accumulators(hw), ResultBuffer(hw)
        self._passes: Fifo[Pass] = Fifo(CORE_QUEUE)
        self._tiles: Fifo[Tile] = Fifo(CORE_QUEUE)
        self._slots = History(rows, (), np.int64)
        self._bundles = Skew(rows, ports.bundle_bits(hw), parts=hw.array.group)
        self._controls: deque[Control | None] = deque([None] * (rows + 1))
        self._through = rows + cols + 2
        self._in_flight = 0
        self.error = CoreError.NONE
        self.counter = Counter(hw)

    @property
    def busy(self) -> bool:
        """`busy`: a pass waits or is under way, or a result has not left."""
        return bool(self._passes.items) or not self.sequencer.idle

    @property
    def accepts_command(self) -> bool:
        """`commands_ready` of the clock that begins: it depends on registers alone."""
        return self.error == CoreError.NONE and self._passes.ready and self._tiles.ready

    def evaluate(self, command: int | None, word: int | None, bundles: Int32Array | None, results_ready: bool) -> None:
        """Wires: `commands_ready`, `weights_ready`, `bundles_ready`; the result port is `results`.

        Args:
            command, word: what the streams `commands` and `weights` offer, None if nothing.
            bundles: int32 [R, M] on the stream `activations`, None if nothing.
            results_ready: `results.ready`.
        """
        halt = self.error != CoreError.NONE
        self._command, self._word, self._offered = command, word, bundles
        self._results_ready = results_ready
        self.commands_ready = self.accepts_command
        self.sequencer.evaluate(self._passes.front, bundles is not None, self.loader.full, halt)
        self.decoder.evaluate(self._tiles.front, word, self.loader.bank_ok, halt)
        self.weights_ready = self.decoder.weights_ready
        self.bundles_ready = self.sequencer.bundle_ready

    def update(self) -> None:
        """End of the clock."""
        taken = self.results.valid and self._results_ready
        self._count(taken)
        self.results.update(self.accumulators.push, self.accumulators.sums, self._results_ready)
        self._feed_array()
        self._write_array()
        self.loader.update(self.decoder.done, self.sequencer.release)
        self._update_queues()
        self.sequencer.update(self._offered, taken)
        self.decoder.update()

    def _feed_array(self) -> None:
        sequencer, control = self.sequencer, self.sequencer.control
        self.accumulators.update(self._controls.popleft(), self.array.psums)
        self._controls.append(control)
        if control:
            self._in_flight = self._through
            self.counter.step(control, sequencer.fed_rows, sequencer.slot_word)
        elif self._in_flight:
            self._in_flight -= 1
        else:
            return
        self._slots.push(sequencer.slot_word)
        self._bundles.push(sequencer.bundles)
        at = self._slots.at
        self.array.step(self._bundles.view(), self._slots.rows[at : at + self._hw.array.rows])

    def _write_array(self) -> None:
        write = self.decoder.write
        if not (write.enable or self.array.writing):
            return
        weights = self.loader.offer(write if write.enable else None)
        bank = self.loader.bank
        address = write.op.slot + (bank << self._hw.index_bits)
        self.array.write((write.op.row,) if write.enable else (), address, weights[:, 0], weights[:, 1])
        if write.enable:
            self.counter.write(write, bank)

    def _update_queues(self) -> None:
        sequencer, decoder = self.sequencer, self.decoder
        next_pass, next_tile, error = None, None, CoreError.NONE
        if self._command is not None and self.commands_ready:
            command = Command.of_bits(self._command)
            error = command_error(command, self._hw)
            if error == CoreError.NONE:
                next_pass, next_tile = _read_command(command)
        take_tile = decoder.tiles_ready and bool(self._tiles.items)
        self._passes.update(sequencer.take, next_pass)
        self._tiles.update(take_tile, next_tile)
        if self.error == CoreError.NONE:
            self.error = error or decoder.error or sequencer.error

    def _count(self, taken: bool) -> None:
        counter, decoder = self.counter, self.decoder
        counter.results += taken
        counter.metadata_words += decoder.to_metadata
        counter.value_words += decoder.to_values
        counter.rows_decoded += decoder.load_metadata

    def outputs(self, inputs: Mapping[str, int]) -> dict[str, int]:
        """Values of the output ports; payloads are words of `COMMAND` and `weight_fields`, [R][M] and [C] sums."""
        self._evaluate(inputs)
        return {
            "commands__ready": int(self.commands_ready),
            "weights__ready": int(self.weights_ready),
            "activations__ready": int(self.bundles_ready),
            **{
                f"results__{name[3:]}": value
                for name, value in self.results.outputs({"o__ready": 0}).items()
                if name.startswith("o__")
            },
            "error": int(self.error),
            "busy": int(self.busy),
            "activity": ports.pack(ports.ACTIVITY, self._activity(bool(inputs["results__ready"]))),
        }

    def _activity(self, results_ready: bool) -> dict[str, int]:
        """The events of the clock, as `ports.ACTIVITY` names them."""
        sequencer, decoder, control = self.sequencer, self.decoder, self.sequencer.control
        opens = sequencer.cause == Cause.COMPUTE and sequencer.slot == 0
        return {
            "cause": int(sequencer.cause),
            "bundles": sequencer.rows if opens else 0,
            "accumulator_read": int(control is not None and control.open and not control.first),
            "accumulator_write": int(control is not None and control.close and not control.last),
            "result": int(self.results.valid and results_ready),
            "slot_write": int(decoder.write.enable),
            "row_decoded": int(decoder.load_metadata),
            "metadata_word": int(decoder.to_metadata),
            "value_word": int(decoder.to_values),
        }

    def tick(self, inputs: Mapping[str, int]) -> None:
        """End of the clock."""
        self._evaluate(inputs)
        self.update()
        if inputs.get("rst", 0):
            self.reset()

    def _evaluate(self, inputs: Mapping[str, int]) -> None:
        rows, group = self._hw.array.rows, self._hw.array.group
        bits = self._hw.numbers.activation_bits
        bundles = None
        if inputs["activations__valid"]:
            values = ports.unpack_array(inputs["activations__payload"], rows * group, bits, signed=True)
            bundles = np.reshape(np.array(values, np.int32), (rows, group))
        self.evaluate(
            inputs["commands__payload"] if inputs["commands__valid"] else None,
            inputs["weights__payload"] if inputs["weights__valid"] else None,
            bundles,
            bool(inputs["results__ready"]),
        )

    def reset(self) -> None:
        """All registers but data on its way, and no memory."""
        for part in (self.sequencer, self.decoder, self.loader, self.array, self.accumulators, self.results):
            part.reset()
        self._passes.reset()
        self._tiles.reset()
        self._controls = deque([None] * (self._hw.array.rows + 1))
        self.error = CoreError.NONE


def _read_command(command: Command) -> tuple[Pass, Tile | None]:
    tile = Tile(command.encoding, command.beat, command.rows, command.cols)
    pass_ = Pass(command.pixels, command.beat, command.rows, command.load, command.first, command.last)
    return pass_, tile if command.load else None
