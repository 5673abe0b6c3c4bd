"""Programs of the whole machine: what they compute, in any order that the tokens leave open."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from skipbeat_arch.graph import Graph
from skipbeat_arch.hardware import Hardware, load_hardware
from skipbeat_mapper.machine.compile import compile_network
from tests.mapper.machine.interpreter import Interpreter
from tests.mapper.machine.networks import random_graph
from tests.mapper.machine.reference import run_graph

PRESETS = ["tiny-4x4", "edge-8x8", "edge-16x16", "edge-16x16-m8"]
#: Buffers so small that everything must be split and loaded again.
SMALL = ["activations.buffer_kib=2", "outputs.buffer_kib=1", "weights.buffer_kib=3", "accumulators.depth=24"]
#: Orders of events at the limits of what the tokens allow: what is early or late.
ORDERS = [("", ""), ("load", ""), ("", "load"), ("", "store"), ("fetch", "start"), ("execute", "store_write")]


def check(graph: Graph, hw: Hardware, seed: int, favour: str = "", delay: str = "") -> None:
    """Runs a compiled graph on a random image and compares every tensor."""
    rng = np.random.default_rng(seed)
    program = compile_network(graph, hw)
    x: npt.NDArray[np.int8] = rng.integers(-128, 128, graph.tensor(graph.input).shape, np.int8)
    memory = program.memory()
    memory[program.image.size :] = rng.integers(0, 256, memory.size - program.image.size, np.uint8)
    program.write_input(memory, x)
    Interpreter(program, hw, memory, seed, favour, delay).run()
    expected = run_graph(graph, x)
    for place in program.tensors:
        np.testing.assert_array_equal(program.read_tensor(memory, place), expected[place.name], err_msg=place.name)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("seed", range(6))
def test_random_networks(preset: str, seed: int) -> None:
    check(random_graph(np.random.default_rng(seed)), load_hardware(preset), seed, *ORDERS[seed % len(ORDERS)])


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("seed", range(100, 106))
def test_random_networks_with_small_buffers(preset: str, seed: int) -> None:
    hw = load_hardware(preset, SMALL)
    check(random_graph(np.random.default_rng(seed)), hw, seed, *ORDERS[seed % len(ORDERS)])
