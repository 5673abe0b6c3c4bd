"""Averages with their blocks of channels one below the other: the same results, in the clocks that are predicted."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from skipbeat_arch.graph import Graph
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_mapper.rearranging.arrangements import arrangements
from skipbeat_mapper.rearranging.stacked_blocks import stackings
from skipbeat_mapper.search.timed_network import time_network
from tests.mapper.networks import Builder
from tests.mapper.program_check import check, check_clocks


def stacked(graph: Graph, preset: str = "tiny-4x4", images: int = 1) -> list[tuple[int, ...]]:
    """How many blocks each node has one below the other, in all variants that are tried."""
    machine = Machine.of(load_hardware(preset, ["memory.latency_clocks=1"]))
    return [tuple(node.stacked for node in each.nodes) for each in stackings(graph, machine, images)]


def averaged(channels: int, size: tuple[int, int], kernel: tuple[int, int], *, alike: bool = True) -> Graph:
    """A convolution, the means of its windows, and a convolution of these."""
    builder = Builder((5, *size), np.random.default_rng(channels))
    builder.convolution(channels, (1, 1), density=1.0)
    builder.average(kernel, alike=alike)
    builder.convolution(7, (1, 1), density=1.0)
    return builder.graph()


@pytest.mark.parametrize(
    ("preset", "channels", "size", "kernel", "images", "variants"),
    [
        ("tiny-4x4", 96, (7, 7), (7, 7), 1, [(1, 1, 1), (1, 24, 1)]),
        ("tiny-4x4", 96, (4, 3), (2, 3), 1, [(1, 1, 1), (1, 24, 1)]),
        ("edge-8x8", 96, (3, 3), (3, 3), 2, [(1, 1, 1), (1, 12, 1)]),
        ("edge-8x8", 160, (1, 1), (1, 1), 1, [(1, 20, 1)]),
    ],
)
def test_stacked_averages_give_the_same_results_and_are_no_slower(
    preset: str,
    channels: int,
    size: tuple[int, int],
    kernel: tuple[int, int],
    images: int,
    variants: list[tuple[int, ...]],
) -> None:
    hardware = load_hardware(preset, ["memory.latency_clocks=1"])
    graph = averaged(channels, size, kernel)
    assert stacked(graph, preset, images) == variants
    check(graph, hardware, 0, images=images)
    check_clocks(graph, hardware, 1, images=images)
    machine = Machine.of(hardware)
    plain = averaged(channels, size, kernel, alike=False)
    assert time_network(graph, machine, images).timing.cycles <= time_network(plain, machine, images).timing.cycles


def test_stacked_averages_of_concatenations_and_with_channels_in_other_orders() -> None:
    hardware = load_hardware("edge-8x8", ["memory.latency_clocks=1", "activations.buffer_kib=8"])
    builder = Builder((8, 4, 4), np.random.default_rng(4))
    first = builder.convolution(32, (1, 1), density=0.2)
    builder.join(first, builder.convolution(64, (1, 1), source=first, density=0.2))
    builder.average((4, 4))
    builder.convolution(48, (1, 1), density=0.2)
    builder.average((1, 1))
    builder.convolution(16, (1, 1), density=0.2)
    graph = builder.graph()
    found = list(arrangements(graph, Machine.of(hardware)))
    assert any(orders and run.nodes[2].stacked == 12 for run, orders, _ in found)
    assert all(len(tiles[2].columns) * run.nodes[2].stacked == 12 for run, _, tiles in found)
    check_clocks(graph, hardware, 1)


@pytest.mark.parametrize(
    ("channels", "size", "kernel"),
    [
        (30, (7, 7), (7, 7)),  # the last block is not full
        (4, (7, 7), (7, 7)),  # one block
        (32, (8, 7), (7, 7)),  # a line is left over between the blocks
        (32, (30, 30), (2, 2)),  # a block has pixels enough to load the next tile behind
    ],
)
def test_averages_are_left_as_they_are(channels: int, size: tuple[int, int], kernel: tuple[int, int]) -> None:
    assert stacked(averaged(channels, size, kernel)) == [(1, 1, 1)]


def test_nodes_that_add_or_whose_channels_differ_are_left_as_they_are() -> None:
    assert stacked(averaged(32, (7, 7), (7, 7), alike=False)) == [(1, 1, 1)]
    assert stacked(averaged(32, (1, 1), (1, 1))) == [(1, 1, 1), (1, 8, 1)]
    builder = Builder((32, 1, 1), np.random.default_rng(0))
    first = builder.convolution(32, (1, 1))
    builder.average((1, 1))
    node = dataclasses.replace(builder.nodes[-1], residual=first, residual_multiplier=np.ones(32, np.int64))
    assert stacked(Graph.of(builder.tensors[0], [builder.nodes[0], node])) == [(1, 1)]
