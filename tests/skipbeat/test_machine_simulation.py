"""Whole networks by their program: RTL and cycle model, compared in bits, clocks, layers and counters."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from skipbeat.machine_simulation import ImageRun, expected_counters, machine_rtl, run_image
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
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


def run(seed: int, simulator: VerilatedMachine | None) -> ImageRun:
    rng = np.random.default_rng(seed)
    graph = random_graph(rng)
    image = rng.integers(-128, 128, graph.tensor(graph.input).shape).astype(np.int8)
    program = compile_network(graph, HARDWARE)
    return run_image(program, MACHINE, image, run_graph(graph, image)[graph.output], simulator)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(4))
def test_rtl_and_model_agree_with_the_oracle(rtl: VerilatedMachine, seed: int) -> None:
    result = run(seed, rtl)
    assert result.agrees, result.to_json()
    assert result.rtl is not None
    assert result.rtl.counters[Counter.CYCLES] == result.model.cycles - 1
    assert sum(layer.model for layer in result.layers) <= result.model.cycles


def test_a_wrong_counter_a_wrong_bit_and_a_wrong_clock_are_seen(rtl: VerilatedMachine) -> None:
    sound = run(0, rtl)
    assert sound.rtl is not None
    later = tuple(clock + 1 for clock in sound.rtl.last_write)
    counters = sound.rtl.counters | {Counter.RESULTS: sound.rtl.counters[Counter.RESULTS] + 1}
    for wrong in (
        dataclasses.replace(sound, rtl=dataclasses.replace(sound.rtl, counters=counters)),
        dataclasses.replace(sound, rtl=dataclasses.replace(sound.rtl, cycles=sound.rtl.cycles + 1)),
        dataclasses.replace(sound, rtl=dataclasses.replace(sound.rtl, error=5)),
        dataclasses.replace(sound, bit_exact=False),
        dataclasses.replace(sound, rtl=dataclasses.replace(sound.rtl, last_write=later)),
    ):  # fmt: skip
        assert not wrong.agrees


def test_the_model_alone_says_what_it_ran() -> None:
    result = run(1, None)
    assert result.agrees
    assert result.to_json()["rtl_cycles"] is None
    assert all(layer.rtl is None for layer in result.layers)
    assert set(expected_counters(result.model, MACHINE.vector)) == set(Counter)
