"""Whole networks by their program: RTL and cycle model, compared in bits, clocks, layers and counters."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from skipbeat_arch.arrays import Int8Array
from skipbeat_arch.errors import InputError
from skipbeat_arch.estimate import Bound
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import MachineProgram
from skipbeat_arch.registers import Counter
from skipbeat_hw.simulation.machine_driver import VerilatedMachine
from skipbeat_mapper.bounds import tightest
from skipbeat_mapper.compile import compile_network
from skipbeat_models.graph_oracle import run_graph
from skipbeat_verify.layer_bounds import layer_bounds
from skipbeat_verify.machine_simulation import Output, ProgramRun, machine_rtl, predicted, run_images
from tests.mapper.networks import Builder, random_graph

HARDWARE = load_hardware("tiny-4x4", ["accumulators.depth=128"])
MACHINE = Machine.of(HARDWARE)


@pytest.fixture(scope="module")
def rtl() -> VerilatedMachine:
    return machine_rtl(HARDWARE)


def case(seed: int, images: int = 1) -> tuple[MachineProgram, Int8Array, Output]:
    """A program, images and their outputs."""
    rng = np.random.default_rng(seed)
    graph = random_graph(rng)
    xs = rng.integers(-128, 128, (images, *graph.tensor(graph.input).shape)).astype(np.int8)
    return compile_network(graph, HARDWARE, images), xs, run_graph(graph, xs)[graph.output]


def run(seed: int, simulator: VerilatedMachine | None, *, images: int = 1, cycle_model: bool = True) -> ProgramRun:
    program, xs, expected = case(seed, images)
    return run_images(program, MACHINE, xs, expected, simulator, cycle_model=cycle_model)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(4))
def test_rtl_and_models_agree_with_the_oracle(rtl: VerilatedMachine, seed: int) -> None:
    result = run(seed, rtl)
    assert result.agrees, result.to_json()
    assert result.rtl is not None
    assert result.rtl.counters[Counter.CYCLES] == result.timing.cycles - 1
    assert set(result.timing.counters) == set(Counter)
    assert sum(result.timing.parts) <= result.timing.cycles
    assert sum(result.layers(result.timing).values()) == sum(result.timing.parts)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [0, 8])
def test_several_images_in_one_run_agree(rtl: VerilatedMachine, seed: int) -> None:
    result = run(seed, rtl, images=3)
    assert result.agrees, result.to_json()
    assert [layer["name"] for layer in result.to_json()["layers"]] == list(dict.fromkeys(result.names))


@pytest.mark.timeout(900)
def test_a_network_with_its_channels_in_other_orders_agrees(rtl: VerilatedMachine) -> None:
    rng = np.random.default_rng(5)
    builder = Builder((40, 5, 6), rng)
    trunk = builder.convolution(26, (1, 1), density=0.25)
    builder.convolution(26, (3, 3), padding=(1, 1), residual=trunk, density=0.25)
    builder.convolution(70, (1, 1), raw=True, density=0.25)
    graph = builder.graph()
    xs = rng.integers(-128, 128, (2, 40, 5, 6)).astype(np.int8)
    program = compile_network(graph, HARDWARE, 2)
    assert {place.name for place in program.tensors if place.order} >= {"input", "node2"}
    result = run_images(program, MACHINE, xs, run_graph(graph, xs)[graph.output], rtl)
    assert result.agrees, result.to_json()


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
    ):
        assert not wrong.agrees


def test_another_result_than_the_expected_is_seen(rtl: VerilatedMachine) -> None:
    program, xs, expected = case(2)
    wrong = run_images(program, MACHINE, xs, expected + 1, rtl, cycle_model=False)
    assert (wrong.bit_exact, wrong.ended, wrong.agrees) == (False, True, False)


def test_the_models_alone_say_what_they_ran() -> None:
    result = run(1, None)
    assert result.agrees
    assert result.to_json()["rtl_cycles"] is None
    assert all(layer["rtl_cycles"] is None for layer in result.to_json()["layers"])
    assert result.model == result.timing == run(1, None, cycle_model=False).timing


def test_a_program_runs_as_many_images_as_it_is_for() -> None:
    program, xs, expected = case(1, 2)
    with pytest.raises(InputError, match="for 2 images, not 1"):
        run_images(program, MACHINE, xs[:1], expected[:1], None)


@pytest.mark.parametrize("seed", range(3))
def test_bounds_of_the_layers_are_the_events_of_the_program(seed: int) -> None:
    program, _, _ = case(seed, 2)
    timing, bounds = predicted(program, MACHINE), layer_bounds(program, MACHINE)
    assert list(bounds) == list(dict.fromkeys(node.name for node in program.nodes))
    total = {bound: sum(own[bound] for own in bounds.values()) for bound in Bound}
    assert total[Bound.COMPUTE] == timing.counters[Counter.COMPUTE]
    beats = timing.counters[Counter.READ_BEATS] + timing.counters[Counter.WRITE_BEATS]
    assert beats - 16 * MACHINE.vector_beats <= total[Bound.MEMORY] <= beats
    assert total[Bound.DECODER] >= timing.counters[Counter.ROWS_DECODED] // MACHINE.hw.array.rows
    assert max(total.values()) <= timing.cycles


def test_the_output_stage_is_the_bound_where_it_takes_longer_than_the_array() -> None:
    builder = Builder((4, 12, 12), np.random.default_rng(0))
    builder.convolution(4, (1, 1), density=1.0)
    slow = load_hardware("tiny-4x4", ["outputs.lanes=1"])
    bounds = layer_bounds(compile_network(builder.graph(), slow), Machine.of(slow))["node0"]
    assert bounds[Bound.OUTPUT] == 144 * 4
    assert tightest(bounds) == Bound.OUTPUT
