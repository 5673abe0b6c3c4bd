"""The core driven port by port, as a test bench drives the RTL: the same clocks as the runner; reset in mid-run."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch import ports
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.stream import CoreStimulus
from skipbeat_hw.core.core import Core
from skipbeat_sim.core.run_core import run_core
from skipbeat_verify.core_passes import random_passes, random_willing, small_hardware
from tests.hw.ported import Ported

INPUTS = ("commands", "weights", "activations")
SIZES = [(1, 1, 4, 1), (2, 3, 8, 3), (4, 4, 4, 2), (3, 2, 16, 1)]


class Bench:
    """Offers a stimulus to a core and notes what leaves, and when."""

    def __init__(self, hw: Hardware, core: Ported, stimulus: CoreStimulus) -> None:
        self.hw, self.core, self.stimulus = hw, core, stimulus
        ab = hw.numbers.activation_bits
        self.items = {
            "commands": [int(word) for word in stimulus.commands],
            "weights": [
                int.from_bytes(word.tobytes(), "little") | int(last) << hw.word_bits
                for word, last in zip(stimulus.weights, stimulus.weights_last, strict=True)
            ],
            "activations": [ports.pack_array(bundle.ravel().tolist(), ab) for bundle in stimulus.activations],
        }
        self.at, self.offered = dict.fromkeys(INPUTS, 0), dict.fromkeys(INPUTS, False)
        self.trace: list[list[int]] = []
        self.results: list[list[int]] = []
        self.busy: list[int] = []

    def clock(self, number: int, rst: int = 0) -> None:
        """One clock."""
        inputs = {"rst": rst}
        for port in INPUTS:
            willing = self.stimulus.willing[port]
            left = self.at[port] < len(self.items[port])
            self.offered[port] = left and (self.offered[port] or bool(willing[number % len(willing)]))
            inputs[f"{port}__valid"] = int(self.offered[port])
            inputs[f"{port}__payload"] = self.items[port][self.at[port]] if self.offered[port] else 0
        willing = self.stimulus.willing["results"]
        inputs["results__ready"] = int(willing[number % len(willing)])
        outputs = self.core.outputs(inputs)
        row = []
        for port in INPUTS:
            row += [inputs[f"{port}__valid"], outputs[f"{port}__ready"]]
            if inputs[f"{port}__valid"] and outputs[f"{port}__ready"]:
                self.at[port] += 1
                self.offered[port] = False
        self.trace.append([*row, outputs["results__valid"], inputs["results__ready"]])
        self.busy.append(outputs["busy"])
        assert outputs["error"] == 0
        if outputs["results__valid"] and inputs["results__ready"]:
            bits = self.hw.numbers.accumulator_bits
            sums = ports.unpack_array(outputs["results__payload"], self.hw.array.cols, bits, signed=True)
            self.results.append(sums)
        self.core.tick(inputs)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_ports_show_what_the_runner_notes(size: tuple[int, int, int, int], seed: int) -> None:
    rng = np.random.default_rng([seed, *size])
    hw = small_hardware(*size)
    program = random_passes(rng, hw, blocks=4, pixels=9)
    stimulus = program.stimulus(random_willing(rng))
    run, _ = run_core(hw, stimulus, trace=True)
    bench = Bench(hw, Ported(Core, {"hw": hw}), stimulus)
    for number in range(run.cycles):
        bench.clock(number)
    assert run.trace is not None
    np.testing.assert_array_equal(bench.trace, run.trace)
    np.testing.assert_array_equal(bench.results, program.results)
    assert bench.busy[0] == 0
    assert bench.busy[-1] == 1
    bench.clock(run.cycles)
    assert bench.busy[-1] == 0


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_after_a_reset_in_mid_run_the_core_is_as_new(size: tuple[int, int, int, int], seed: int) -> None:
    rng = np.random.default_rng([seed, *size])
    hw = small_hardware(*size)
    first, second = (random_passes(rng, hw, blocks=4, pixels=9).stimulus(random_willing(rng)) for _ in range(2))
    run, _ = run_core(hw, second, trace=True)
    whole, _ = run_core(hw, first)
    core = Ported(Core, {"hw": hw})
    for stop in rng.integers(1, whole.cycles, 6):
        bench = Bench(hw, core, first)
        for number in range(stop):
            bench.clock(number, rst=int(number == stop - 1))
        bench = Bench(hw, core, second)
        for number in range(run.cycles):
            bench.clock(number)
        np.testing.assert_array_equal(bench.trace, run.trace)
        np.testing.assert_array_equal(bench.results, run.results)
        bench.clock(run.cycles, rst=1)
