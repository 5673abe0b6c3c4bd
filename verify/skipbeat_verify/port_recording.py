"""The cycle model at the core's ports, clock by clock: what is applied and what must be seen, resets included."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from skipbeat_arch import ports
from skipbeat_arch.arrays import Int32Array
from skipbeat_arch.command import CoreError
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.stream import PORTS, CoreStimulus
from skipbeat_sim.core.core import Core

_INPUTS = PORTS[:3]
#: Clocks for which a core in error is watched: it must stay as it is.
_HALTED_CLOCKS = 8
OUTPUTS = (*(f"{port}__ready" for port in _INPUTS), "results__valid", "results__payload", "error", "busy")


class _Offer:
    """Items of one stream; one that is offered stays until it is taken."""

    def __init__(self, items: list[int], willing: list[bool]) -> None:
        self.items, self.willing = items, willing
        self.next, self.offered = 0, False

    def apply(self, clock: int) -> tuple[int, int]:
        """Valid and payload of this clock."""
        if self.next < len(self.items) and self.willing[clock % len(self.willing)]:
            self.offered = True
        return (1, self.items[self.next]) if self.offered else (0, 0)

    def after(self, ready: int) -> None:
        """The clock ends."""
        if self.offered and ready:
            self.next, self.offered = self.next + 1, False


@dataclass
class PortRecording:
    """Stimuli that the cycle model ran one after the other, with a clock of reset between them.

    Attributes:
        inputs: a value per clock for each input port, `rst` among them.
        expected: a value per clock for each output port; None where it does not matter, which is the payload of a
            result that is not there.
        starts: the first clock of each stimulus.
    """

    hardware: Hardware
    inputs: dict[str, list[int]] = field(default_factory=dict)
    expected: dict[str, list[int | None]] = field(default_factory=dict)
    starts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        names = [f"{port}__{part}" for port in _INPUTS for part in ("valid", "payload")]
        self.inputs = {name: [] for name in (*names, "results__ready", "rst")}
        self.expected = {name: [] for name in OUTPUTS}
        self._core = Core(self.hardware)

    @property
    def clocks(self) -> int:
        """Clocks recorded so far."""
        return len(self.inputs["rst"])

    def run(self, stimulus: CoreStimulus) -> CoreError:
        """Run a stimulus until its results are collected, its clocks run out, or some clocks into an error.

        From the second stimulus on, a clock of reset comes first. Returns the error that the core ends with.
        """
        if self.starts:
            self._clock(dict.fromkeys(self.inputs, 0) | {"rst": 1})
        start, results, halted = self.clocks, 0, 0
        self.starts.append(start)
        offers = {port: _Offer(items, stimulus.willing[port].tolist()) for port, items in self._items(stimulus).items()}
        ready = stimulus.willing["results"].tolist()
        error = CoreError.NONE
        while self.clocks - start < stimulus.max_clocks and results < stimulus.results and halted < _HALTED_CLOCKS:
            clock = self.clocks - start
            values = {"rst": 0, "results__ready": int(ready[clock % len(ready)])}
            for port, offer in offers.items():
                values[f"{port}__valid"], values[f"{port}__payload"] = offer.apply(clock)
            seen = self._clock(values)
            for port, offer in offers.items():
                offer.after(seen[f"{port}__ready"])
            results += seen["results__valid"] & values["results__ready"]
            error = CoreError(seen["error"])
            halted += error != CoreError.NONE
        return error

    def _clock(self, values: dict[str, int]) -> dict[str, int]:
        core, hw = self._core, self.hardware
        core.evaluate(
            values["commands__payload"] if values["commands__valid"] else None,
            values["weights__payload"] if values["weights__valid"] else None,
            self._bundles(values["activations__payload"]) if values["activations__valid"] else None,
            bool(values["results__ready"]),
        )
        seen = {
            "commands__ready": int(core.commands_ready),
            "weights__ready": int(core.weights_ready),
            "activations__ready": int(core.activations_ready),
            "results__valid": int(core.results_valid),
            "results__payload": ports.pack_array(core.results.tolist(), hw.numbers.accumulator_bits),
            "error": int(core.error),
            "busy": int(core.busy),
        }
        for name, value in values.items():
            self.inputs[name].append(value)
        for name, column in self.expected.items():
            column.append(seen[name] if name != "results__payload" or seen["results__valid"] else None)
        core.update()
        if values["rst"]:
            core.reset()
        return seen

    def _bundles(self, word: int) -> Int32Array:
        """Bundles int32 [R, M] of the word that carries them."""
        rows, group = self.hardware.array.rows, self.hardware.array.group
        values = ports.unpack_array(word, rows * group, self.hardware.numbers.activation_bits, signed=True)
        return np.array(values, np.int32).reshape(rows, group)

    def _items(self, stimulus: CoreStimulus) -> dict[str, list[int]]:
        """Payloads as the ports carry them."""
        hw = self.hardware
        bits = hw.numbers.activation_bits
        words = zip(stimulus.weights, stimulus.weights_last, strict=True)
        elements = stimulus.activations.astype(np.int64)
        bundles = elements.reshape(len(elements), hw.array.rows * hw.array.group).tolist()
        return {
            "commands": [int(word) for word in stimulus.commands],
            "weights": [int.from_bytes(row.tobytes(), "little") | int(last) << hw.word_bits for row, last in words],
            "activations": [ports.pack_array(bundle, bits) for bundle in bundles],
        }
