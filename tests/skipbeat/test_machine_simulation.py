"""Whole networks by their program: RTL and cycle model, compared in bits, clocks, layers and counters."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest

from skipbeat.core_steps import core_steps
from skipbeat.machine_simulation import ImageRun, Output, machine_rtl, predicted, run_image
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import MachineProgram
from skipbeat_arch.registers import Counter
from skipbeat_hw.simulation.machine_driver import VerilatedMachine
from skipbeat_mapper.machine.compile import compile_network
from skipbeat_models.graph_oracle import run_graph
from tests.mapper.machine.networks import random_graph

HARDWARE = load_hardware("tiny-4x4", ["accumulators.depth=128"])
MACHINE = Machine.of(HARDWARE)


@pytest.fixture(scope="module")
def rtl() -> VerilatedMachine:
    return machine_rtl(HARDWARE)


def case(seed: int) -> tuple[MachineProgram, npt.NDArray[np.int8], Output]:
    """A program, an image and its output."""
    rng = np.random.default_rng(seed)
    graph = random_graph(rng)
    image = rng.integers(-128, 128, graph.tensor(graph.input).shape).astype(np.int8)
    return compile_network(graph, HARDWARE), image, run_graph(graph, image)[graph.output]


def run(seed: int, simulator: VerilatedMachine | None, *, cycle_model: bool = True) -> ImageRun:
    program, image, expected = case(seed)
    return run_image(program, MACHINE, image, expected, simulator, cycle_model=cycle_model)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(4))
def test_rtl_and_models_agree_with_the_oracle(rtl: VerilatedMachine, seed: int) -> None:
    result = run(seed, rtl)
    assert result.agrees, result.to_json()
    assert result.rtl is not None
    assert result.rtl.counters[Counter.CYCLES] == result.timing.cycles - 1
    assert set(result.timing.counters) == set(Counter)
    assert sum(result.timing.layers) <= result.timing.cycles


def test_a_wrong_counter_a_wrong_bit_and_a_wrong_clock_are_seen(rtl: VerilatedMachine) -> None:
    sound = run(0, rtl)
    assert sound.rtl is not None
    assert sound.model is not None
    later = tuple(clock + 1 for clock in sound.rtl.ends)
    counters = {**sound.rtl.counters, Counter.RESULTS: sound.rtl.counters[Counter.RESULTS] + 1}
    for wrong in (
        dataclasses.replace(sound, rtl=dataclasses.replace(sound.rtl, counters=counters)),
        dataclasses.replace(sound, rtl=dataclasses.replace(sound.rtl, cycles=sound.rtl.cycles + 1)),
        dataclasses.replace(sound, model=dataclasses.replace(sound.model, cycles=sound.model.cycles + 1)),
        dataclasses.replace(sound, rtl=dataclasses.replace(sound.rtl, ends=later)),
        dataclasses.replace(sound, bit_exact=False),
        dataclasses.replace(sound, ended=False),
    ):  # fmt: skip
        assert not wrong.agrees


def test_another_result_than_the_expected_is_seen(rtl: VerilatedMachine) -> None:
    program, image, expected = case(2)
    wrong = run_image(program, MACHINE, image, expected + 1, rtl, cycle_model=False)
    assert (wrong.bit_exact, wrong.ended, wrong.agrees) == (False, True, False)


def test_the_models_alone_say_what_they_ran() -> None:
    result = run(1, None)
    assert result.agrees
    assert result.to_json()["rtl_cycles"] is None
    assert all(layer["rtl_cycles"] is None for layer in result.to_json()["layers"])
    assert result.model == result.timing == run(1, None, cycle_model=False).timing


def test_the_steps_of_the_layers_are_the_clocks_that_the_array_computes() -> None:
    for seed in range(3):
        program, _, _ = case(seed)
        assert sum(core_steps(program)) == predicted(program, MACHINE).counters[Counter.COMPUTE]
