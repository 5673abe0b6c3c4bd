"""A core under cocotb, on Verilator or on Icarus, with the interface of the compiled one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skipbeat_arch.hardware import Hardware
from skipbeat_arch.ports import unpack_array
from skipbeat_arch.stream import CoreRun, CoreStimulus

from .driver import CORE_TOP
from .lockstep import run_in_turn
from .lockstep_table import Held, LockstepRun, Observed, Simulator

_STREAMS = ("commands", "weights", "activations", "results")
_HANDSHAKES = tuple(f"{name}__{part}" for name in _STREAMS for part in ("valid", "ready"))


class CocotbCore:
    """Runs a stimulus as a cocotb test. Every clock of `max_clocks` is simulated and kept, so keep it near the need.

    Args:
        verilog: text of the module `core`; hardware: the description that it was generated from.
        simulator: "verilator" or "icarus".
    """

    def __init__(self, verilog: str, hardware: Hardware, simulator: Simulator) -> None:
        self.verilog, self.hardware, self.simulator = verilog, hardware, simulator

    def run(self, stimulus: CoreStimulus, trace: bool = False) -> CoreRun:
        """Run from reset until the results are collected, an error shows, or the clocks run out.

        Raises:
            InputError: a tool is missing, or the stimulus does not fit the ports.
            RuntimeError: the simulator fails, or a handshake, the error port or a taken result is undefined.
        """
        (found,) = self.run_all([stimulus], trace=trace)
        return found

    def run_all(self, stimuli: Sequence[CoreStimulus], *, trace: bool = False) -> list[CoreRun]:
        """Run one stimulus after the other in one simulation, each from reset; see `run`."""
        runs = [core_run(stimulus, self.hardware) for stimulus in stimuli]
        seen = run_in_turn(self.verilog, CORE_TOP, runs, self.simulator, backend="cocotb")
        return [read_run(*each, self.hardware, trace=trace) for each in zip(stimuli, seen, strict=True)]


def core_run(stimulus: CoreStimulus, hw: Hardware) -> LockstepRun:
    """A stimulus as values of the core's ports."""
    clocks = stimulus.max_clocks
    ready = np.resize(stimulus.willing["results"], clocks)
    streams = {name: Held(items, stimulus.willing[name].tolist()) for name, items in _items(stimulus, hw).items()}
    return LockstepRun(
        inputs={"results__ready": ready.astype(int).tolist()},
        outputs=[*_HANDSHAKES, "results__payload", "error"],
        streams=streams,
        clocks=clocks,
    )


def read_run(stimulus: CoreStimulus, seen: Observed, hw: Hardware, *, trace: bool = False) -> CoreRun:
    """What the ports showed of a stimulus.

    Raises:
        RuntimeError: a handshake, the error port or a taken result is undefined.
    """
    clocks = stimulus.max_clocks
    table = np.array([[_defined(seen, port, clock) for port in _HANDSHAKES] for clock in range(clocks)], np.uint8)
    errors = [_defined(seen, "error", clock) for clock in range(clocks)]
    taken = np.flatnonzero(table[:, -2] & table[:, -1])
    ends = [next((clock for clock, code in enumerate(errors) if code), clocks - 1)]
    if stimulus.results and len(taken) >= stimulus.results:
        ends.append(int(taken[stimulus.results - 1]))
    end = min(ends)
    taken = taken[taken <= end]
    bits, cols = hw.numbers.accumulator_bits, hw.array.cols
    results = [unpack_array(_defined(seen, "results__payload", c), cols, bits, signed=True) for c in taken.tolist()]
    return CoreRun(
        results=np.array(results, np.int64).reshape(-1, cols),
        result_clocks=taken.astype(np.int64),
        cycles=end + 1,
        error=errors[end],
        finished=bool(stimulus.results) and len(taken) == stimulus.results and not errors[end],
        trace=table[: end + 1] if trace else None,
    )


def _items(stimulus: CoreStimulus, hw: Hardware) -> dict[str, list[int]]:
    """Payloads of the input streams as the ports carry them."""
    bits = hw.numbers.activation_bits
    mask = (1 << bits) - 1
    bundles = stimulus.activations.reshape(len(stimulus.activations), hw.array.rows * hw.array.group)
    if bits == 8:
        activations = [int.from_bytes(row.tobytes(), "little") for row in bundles]
    else:
        activations = [sum((int(v) & mask) << (i * bits) for i, v in enumerate(row)) for row in bundles]
    words = zip(stimulus.weights, stimulus.weights_last, strict=True)
    return {
        "commands": [int(word) for word in stimulus.commands],
        "weights": [int.from_bytes(row.tobytes(), "little") | int(last) << hw.word_bits for row, last in words],
        "activations": activations,
    }


def _defined(seen: Observed, port: str, clock: int) -> int:
    value = seen[port][clock]
    if value is None:
        raise RuntimeError(f"core: port {port} is undefined in clock {clock}")
    return value
