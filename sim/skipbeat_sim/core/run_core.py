"""Runs a whole program on the cycle model."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.arrays import BoolArray, Int32Array, Int64Array
from skipbeat_arch.command import COMMAND_BITS, CoreError
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.numbers import integer_range
from skipbeat_arch.stream import PORTS, CoreRun, CoreStimulus
from skipbeat_arch.timing import Events

from .core import Core


class _Source:
    """Offers items one after another; an item once offered stays until it is taken."""

    def __init__(self, count: int, willing: BoolArray) -> None:
        self._left = count
        self._willing = willing.tolist()
        self._offered = False
        self.next = 0

    def offers(self, clock: int) -> bool:
        """An item, number `next`, is offered in this clock."""
        if self._left and not self._offered:
            self._offered = self._willing[clock % len(self._willing)]
        return self._offered

    def end_clock(self, ready: bool) -> None:
        """End of a clock with the port's `ready`: an item that was offered has been taken."""
        if ready and self._offered:
            self._left -= 1
            self.next += 1
            self._offered = False


class _Inputs:
    """What the input ports offer: command words, `weight_fields` words, bundles int32 [R, M]."""

    def __init__(self, hw: Hardware, stimulus: CoreStimulus) -> None:
        words = [
            int.from_bytes(row.tobytes(), "little") | int(last) << hw.word_bits
            for row, last in zip(stimulus.weights, stimulus.weights_last, strict=True)
        ]
        self._commands, self._words = [int(word) for word in stimulus.commands], words
        self._bundles = stimulus.activations.astype(np.int32)
        willing = stimulus.willing
        self._command = _Source(len(self._commands), willing["commands"])
        self._weight = _Source(len(words), willing["weights"])
        self._bundle = _Source(len(self._bundles), willing["activations"])

    def offers(self, clock: int) -> tuple[bool, bool, bool]:
        """Which ports offer an item in this clock."""
        return self._command.offers(clock), self._weight.offers(clock), self._bundle.offers(clock)

    def items(self, offers: tuple[bool, bool, bool]) -> tuple[int | None, int | None, Int32Array | None]:
        """The items that are offered."""
        return (
            self._commands[self._command.next] if offers[0] else None,
            self._words[self._weight.next] if offers[1] else None,
            self._bundles[self._bundle.next] if offers[2] else None,
        )

    def end_clock(self, accepts: tuple[bool, bool, bool]) -> None:
        """End of a clock in which the ports had these `ready`."""
        for source, accepted in zip((self._command, self._weight, self._bundle), accepts, strict=True):
            source.end_clock(accepted)


def run_core(hardware: Hardware, stimulus: CoreStimulus, trace: bool = False) -> tuple[CoreRun, Events]:
    """Run the core from reset until all results are there, an error, or `max_clocks`.

    With `results` = 0 whatever comes is collected, and the run, never `finished`, ends with an error or `max_clocks`.
    The run ends with the clock that transfers the last result, or with the first clock in which the error port is
    not 0; a result that leaves in that clock still counts.

    Raises:
        InputError: an array of the stimulus has a shape or a value that the ports do not have.
    """
    _check(hardware, stimulus)
    core, inputs = Core(hardware), _Inputs(hardware, stimulus)
    ready = stimulus.willing["results"].tolist()
    results: list[Int64Array] = []
    clocks: list[int] = []
    rows = bytearray()
    clock, error = 0, CoreError.NONE
    endless = stimulus.results == 0
    while clock < stimulus.max_clocks and (endless or len(results) < stimulus.results) and error == CoreError.NONE:
        error = core.error
        offers, results_ready = inputs.offers(clock), ready[clock % len(ready)]
        core.evaluate(*inputs.items(offers), results_ready)
        accepts = core.commands_ready, core.weights_ready, core.activations_ready
        if trace:
            streams = (*zip(offers, accepts, strict=True), (core.results_valid, results_ready))
            rows += bytes(bit for stream in streams for bit in stream)
        if core.results_valid and results_ready:
            results.append(core.results)
            clocks.append(clock)
        inputs.end_clock(accepts)
        core.update()
        clock += 1
    run = CoreRun(
        results=_signed(np.array(results, np.int64).reshape(-1, hardware.array.cols), hardware),
        result_clocks=np.array(clocks, np.int64),
        cycles=clock,
        error=int(error),
        finished=not endless and len(results) == stimulus.results and error == CoreError.NONE,
        trace=np.frombuffer(bytes(rows), np.uint8).reshape(-1, 8) if trace else None,
    )
    return run, core.counter.events()


def _signed(sums: Int64Array, hw: Hardware) -> Int64Array:
    sign = np.int64(1 << (hw.numbers.accumulator_bits - 1))
    return (sums ^ sign) - sign


def _check(hw: Hardware, stimulus: CoreStimulus) -> None:
    word = (-(-hw.word_bits // 8),)
    bundle = (hw.array.rows, hw.array.group)
    if stimulus.weights.shape[1:] != word:
        raise InputError(f"stimulus: weights must be [words, {word[0]}], not {stimulus.weights.shape}")
    if stimulus.weights_last.shape != stimulus.weights.shape[:1]:
        raise InputError(f"stimulus: weights_last must have one flag for each of {len(stimulus.weights)} words")
    if stimulus.activations.shape[1:] != bundle:
        raise InputError(f"stimulus: activations must be [bundles, {bundle[0]}, {bundle[1]}]")
    low, high = integer_range(hw.numbers.activation_bits)
    if stimulus.activations.size and not low <= stimulus.activations.min() <= stimulus.activations.max() <= high:
        raise InputError(f"stimulus: activations must be in {low}..{high}")
    if any(int(command) >> COMMAND_BITS for command in stimulus.commands):
        raise InputError(f"stimulus: commands must fit in {COMMAND_BITS} bits")
    spare = 8 * word[0] - hw.word_bits
    if spare and np.any(stimulus.weights[:, -1] >> (8 - spare)):
        raise InputError(f"stimulus: weight words must fit in {hw.word_bits} bits")
    for port in PORTS:
        pattern = stimulus.willing.get(port)
        if pattern is None or pattern.ndim != 1 or not len(pattern):
            raise InputError(f"stimulus: willing must have a pattern of at least one clock for {port}")
