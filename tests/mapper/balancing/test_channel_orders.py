"""Orders of channels: fewer steps where groups are unevenly full, none at all where they are not."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.graph import Graph
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_mapper.balancing.channel_orders import channel_orders
from skipbeat_mapper.balancing.permuted_graph import permuted
from skipbeat_mapper.placing.banks import Banks
from skipbeat_mapper.tiles.node_tiles import node_tiles
from tests.mapper.networks import Builder
from tests.mapper.program_check import check, check_clocks

SMALL = load_hardware("edge-8x8")


def steps(graph: Graph, machine: Machine) -> int:
    """Steps of all nodes for one image."""
    total = 0
    for node in graph.nodes:
        tiles = node_tiles(node, Banks.of(node.convolution.c_in, machine), machine)
        beats = sum(tile.statistics.beat for column in tiles.columns for tile in column)
        total += beats * node.convolution.out_size[0] * node.convolution.out_size[1]
    return total


def uneven(seed: int, *, density: float = 0.25) -> Graph:
    """A residual block between two other nodes, on channels that do not fill their last block."""
    builder = Builder((40, 12, 12), np.random.default_rng(seed))
    trunk = builder.convolution(44, (1, 1), density=density)
    builder.convolution(36, (3, 3), padding=(1, 1), density=density)
    builder.convolution(44, (1, 1), residual=trunk, density=density)
    builder.convolution(20, (3, 3), density=density)
    return builder.graph()


@pytest.mark.parametrize("preset", ["tiny-4x4", "edge-8x8", "edge-16x16-m8"])
@pytest.mark.parametrize("seed", range(2))
def test_fewer_steps_in_a_network(preset: str, seed: int) -> None:
    machine, graph = Machine.of(load_hardware(preset)), uneven(seed)
    orders = channel_orders(graph, machine)
    assert np.array_equal(orders["node0"], orders["node2"])
    for name, order in orders.items():
        assert sorted(order.tolist()) == list(range(graph.tensor(name).channels))
    assert steps(permuted(graph, orders), machine) < 0.97 * steps(graph, machine)


def test_full_groups_are_dealt_out_to_all_rows() -> None:
    builder = Builder((64, 8, 8), np.random.default_rng(0))
    builder.convolution(8, (1, 1), density=1.0)
    builder.nodes[0].layer.weight.reshape(2, 8, 4, 8)[:, 4:] = 0  # the groups of rows 4 to 7
    graph, machine = builder.graph(), Machine.of(SMALL)
    assert steps(graph, machine) == 8 * 64
    assert steps(permuted(graph, channel_orders(graph, machine)), machine) == 4 * 64


@pytest.mark.parametrize("kept", [1, 2, 4])
def test_equally_full_groups_are_left_alone(kept: int) -> None:
    rng = np.random.default_rng(kept)
    builder = Builder((64, 12, 12), rng)
    builder.convolution(64, (1, 1), density=1.0)
    builder.convolution(40, (1, 1), density=1.0)
    for node in builder.nodes:
        rank = rng.random((16, 4, node.convolution.c_out)).argsort(axis=1).argsort(axis=1)
        node.layer.weight.reshape(rank.shape)[rank >= kept] = 0
    assert channel_orders(builder.graph(), Machine.of(SMALL)) == {}


@pytest.mark.parametrize("preset", ["tiny-4x4", "edge-8x8", "edge-16x16-m8"])
@pytest.mark.parametrize("delay", ["", "load", "store"])
def test_programs_compute_the_same(preset: str, delay: str) -> None:
    program = check(uneven(3), load_hardware(preset), 3, delay=delay, images=2)
    assert any(place.order for place in program.tensors)


def test_programs_take_the_predicted_clocks() -> None:
    program = check_clocks(uneven(4), SMALL, 4)
    assert program.input.order is not None


def test_several_regions_and_weights_in_parts() -> None:
    hw = load_hardware("edge-8x8", ["activations.buffer_kib=6", "weights.buffer_kib=4", "accumulators.depth=32"])
    program = check(uneven(5), hw, 5)
    assert any(place.order for place in program.tensors)


def test_orders_are_always_the_same() -> None:
    graph, machine = uneven(6), Machine.of(SMALL)
    first, second = channel_orders(graph, machine), channel_orders(graph, machine)
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[name], second[name]) for name in first)
