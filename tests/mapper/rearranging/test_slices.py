"""Slices: which nodes can run so, that it is right wherever they do, and that they do where it pays."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.graph import Graph
from skipbeat_arch.hardware import Hardware, load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.workload import Convolution
from skipbeat_mapper.compile import packed
from skipbeat_mapper.memory_map import memory_map
from skipbeat_mapper.rearranging.placements import Placement
from skipbeat_mapper.rearranging.slices import chosen_slices, sliceable
from skipbeat_mapper.search.timed_network import quickest_program, time_network
from skipbeat_sim.machine.run_machine import run_machine
from tests.mapper.networks import Builder
from tests.mapper.placed import in_slices
from tests.mapper.program_check import compare
from tests.mapper.random_nodes import node_of

EDGE = load_hardware("edge-16x16")


def conv(channels: int, outputs: int, groups: int) -> Convolution:
    return Convolution(batch=1, c_in=channels, c_out=outputs, height=4, width=4, kernel=(3, 3), groups=groups)


@pytest.mark.parametrize(
    ("channels", "outputs", "groups", "preset", "expected"),
    [
        (64, 64, 64, "edge-16x16", True),
        (64, 64, 16, "edge-16x16", True),  # four channels each
        (96, 96, 2, "edge-16x16", False),  # groups of more than V channels
        (96, 96, 4, "edge-16x16", False),  # 24, which V is no multiple of
        (64, 128, 64, "edge-16x16", False),  # two outputs for a channel
        (64, 64, 1, "edge-16x16", False),
        (16, 16, 16, "edge-16x16", False),  # it lies so already
        (64, 64, 64, "dense-16x16", False),  # a block fills all rows
    ],
)
def test_what_can_run_in_slices(channels: int, outputs: int, groups: int, preset: str, expected: bool) -> None:
    node = node_of(conv(channels, outputs, groups))
    assert sliceable(node, Machine.of(load_hardware(preset))) == expected


def mobile(seed: int, side: int = 9, channels: int = 40, kernel: int = 3, groups: int | None = None) -> Graph:
    """A convolution that makes channels, a narrow one, and one that brings them together."""
    builder = Builder((8, side, side), np.random.default_rng(seed))
    builder.convolution(channels, (1, 1), density=1.0)
    builder.convolution(channels, (kernel, kernel), padding=(1, 1), groups=groups or channels, density=1.0)
    builder.convolution(20, (1, 1))
    return builder.graph()


def check_slices(graph: Graph, hw: Hardware, images: int = 1) -> None:
    """Narrow nodes in slices: on the cycle model outputs are the reference's and clocks the predicted ones."""
    machine, rng = Machine.of(hw), np.random.default_rng(1)
    memory = memory_map(graph, machine, tiles=in_slices(graph, machine), images=images)
    assert any(placed.banks.slices for placed in memory.groups[0].nodes)
    network = quickest_program([Placement(fold=None, orders={}, memory=memory)], None)
    program = packed(network)
    xs = rng.integers(-128, 128, (images, *graph.tensor(graph.input).shape), np.int8)
    data = program.memory()
    for image, x in enumerate(xs):
        program.write_input(data, x, image)
    run = run_machine(machine, data, program.address, program.count, max_clocks=network.timing.cycles + 100)
    assert (run.done, run.error, run.cycles) == (True, 0, network.timing.cycles)
    compare(program, graph, xs, run.memory)


@pytest.mark.parametrize(
    ("preset", "side", "channels", "kernel", "groups", "images"),
    [
        ("edge-8x8", 9, 40, 3, 40, 1),  # its input stays on the chip
        ("edge-8x8", 5, 24, 4, 6, 2),
        ("tiny-4x4", 6, 12, 3, 12, 1),
    ],
)
def test_slices_compute_the_same(preset: str, side: int, channels: int, kernel: int, groups: int, images: int) -> None:
    check_slices(mobile(0, side, channels, kernel, groups), load_hardware(preset), images)


def test_slices_of_several_regions_compute_the_same() -> None:
    hw = load_hardware("edge-8x8", ["activations.buffer_kib=4", "accumulators.depth=32"])
    check_slices(mobile(1, 12, 24), hw)


def test_slices_are_chosen_where_they_pay() -> None:
    graph, machine = mobile(0, 14, 96), Machine.of(EDGE)
    network = time_network(graph, machine)
    assert [placed.banks.slices for placed in network.memory.groups[0].nodes] == [False, True, False]
    whole = quickest_program([Placement(fold=None, orders={}, memory=memory_map(graph, machine))], None)
    assert network.timing.cycles < 0.65 * whole.timing.cycles


def test_a_network_without_narrow_nodes_has_none() -> None:
    builder = Builder((16, 5, 5), np.random.default_rng(0))
    builder.convolution(16, (3, 3))
    assert chosen_slices(memory_map(builder.graph(), Machine.of(EDGE))) is None


def test_slices_that_would_only_leave_the_chip_are_not_chosen() -> None:
    memory = memory_map(mobile(0, 14, 256, kernel=1), Machine.of(EDGE))
    assert sliceable(memory.graph.nodes[1], memory.machine)
    assert memory.groups[0].nodes[1].input is not None
    assert chosen_slices(memory) is None
