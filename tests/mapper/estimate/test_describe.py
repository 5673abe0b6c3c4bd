"""A schedule in words: the numbers in them are those of the program."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from skipbeat_arch.estimate import Bound, Schedule
from skipbeat_arch.graph import Graph
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.workload import Convolution
from skipbeat_mapper.candidates import Candidate
from skipbeat_mapper.estimate.describe import imbalance, loops, node_schedule, phrase
from skipbeat_mapper.estimate.walks import engine_walks
from skipbeat_mapper.layer_graph import layer_graph
from skipbeat_mapper.placing.node_mapping import NodeMapping, Order
from skipbeat_mapper.search.timed_network import TimedNetwork, time_network
from tests.mapper.networks import Builder

MACHINE = Machine.of(load_hardware("edge-8x8", ["activations.buffer_kib=4", "accumulators.depth=32"]))
BOUNDS = {Bound.COMPUTE: 5}


def split(density: float = 1.0) -> Graph:
    """A node of several regions and four column tiles, and one that reads what it wrote."""
    builder = Builder((16, 16, 16), np.random.default_rng(1))
    builder.convolution(32, (3, 3), padding=(1, 1), density=density)
    builder.convolution(8, (1, 1), residual=None, density=density)
    return builder.graph()


def chosen(network: TimedNetwork, number: int) -> Candidate:
    """A node with the mapping that it has."""
    return Candidate(network.memory, (number,), number, network.memory.groups[0].nodes[number])


@pytest.mark.parametrize("order", Order)
def test_loops_are_told_from_the_outermost_one(order: Order) -> None:
    network = time_network(split(), MACHINE, mappings=[NodeMapping(order=order, pixels=16)] * 2)
    candidate = chosen(network, 0)
    names = [re.sub(r"^\d+ |s? of.*", "", line) for line in loops(candidate)[:-1]]
    assert ", ".join(names) == order
    counts = {name: int(line.split()[0]) for name, line in zip(names, loops(candidate), strict=False)}
    areas = candidate.placed.regions
    assert counts == {"region": len(areas), "column tile": 4, "block": -(-len(candidate.blocks) // len(areas))}
    assert f"{max(candidate.blocks)} pixels" in next(line for line in loops(candidate) if "block" in line)
    assert phrase(candidate) == f"{order}; {len(areas)} regions, blocks of at most {max(candidate.blocks)} pixels"


def test_the_last_line_tells_how_often_each_b_comes() -> None:
    network = time_network(split(0.3), MACHINE)
    candidate = chosen(network, 0)
    beats = [tile.statistics.beat for column in candidate.tiles.columns for tile in column]
    told = {int(b): int(count) for b, count in re.findall(r"b = (\d+) in (\d+)", loops(candidate)[-1])}
    assert told == {b: beats.count(b) for b in set(beats)}


def test_a_node_without_weights_is_told() -> None:
    graph = split()
    for node in graph.nodes:
        node.layer.weight[:] = 0
    assert loops(chosen(time_network(graph, MACHINE), 0))[-1] == "no tile has weights: a null pass for each block"


def schedules(network: TimedNetwork) -> list[Schedule]:
    walks = engine_walks(network.lowered.schedule)
    return [node_schedule(network, number, BOUNDS, walks[number]) for number in range(2)]


def test_places_name_who_writes_and_who_reads() -> None:
    hw = load_hardware("edge-8x8")
    network = time_network(split(), Machine.of(hw))
    first, second = schedules(network)
    chain = network.memory.groups[0].nodes[0].output
    assert chain is not None
    entries = f"entries {chain.base:,} to {chain.base + chain.region.entries:,}"
    assert any(line.startswith("output: ") and entries in line and "node1 reads it" in line for line in first.places)
    assert f"input: stays on the chip, where node0 wrote it: {entries}" in second.places
    assert "output: to memory" in second.places
    assert first.bounds == second.bounds == BOUNDS
    nodes = network.memory.groups[0].nodes
    for placed, schedule in zip(nodes, (first, second), strict=True):
        assert sum(schedule.encodings.values()) == sum(len(column) for column in placed.tiles.columns)


@pytest.mark.parametrize(
    ("channels", "told"),
    [
        (96, "8 banks before they repeat, 3 entries of each for a pixel"),
        (72, "8 banks before they repeat, 3 entries of each for a pixel (2 in the last of these)"),
        (8, "2 banks before they repeat, 1 entry of each for a pixel, 4 kernel taps side by side"),
    ],
)
def test_banks_are_told(channels: int, told: str) -> None:
    builder = Builder((channels, 4, 4), np.random.default_rng(1))
    builder.convolution(8, (1, 1), density=1.0)
    assert f"channels: {told}" in node_schedule(time_network(builder.graph(), MACHINE), 0, BOUNDS, ()).places


def test_weights_that_come_in_parts_are_told() -> None:
    parts = Machine.of(load_hardware("edge-8x8", ["weights.buffer_kib=2"]))
    told = {
        name: schedules(time_network(split(), machine))[0].places
        for name, machine in {"all": Machine.of(load_hardware("edge-8x8")), "parts": parts}.items()
    }
    assert "weights: all of them stay in the weight buffer" in told["all"]
    assert "weights: they come in parts, for every block anew" in told["parts"]


def test_second_operands_of_products_are_told() -> None:
    line = Convolution(batch=1, c_in=16, c_out=8, height=1, width=4, kernel=(1, 1))
    graph = layer_graph(line, np.ones((16, 8), np.int8), "n", operand=True)
    told = node_schedule(time_network(graph, MACHINE, images=3), 0, BOUNDS, ()).places
    assert "weights: each product has its own, a second operand; all of them stay in the weight buffer" in told


def test_the_runner_up_is_the_first_other_mapping_that_was_priced() -> None:
    network = time_network(split(), MACHINE)
    own = chosen(network, 0)
    other = own.with_mapping(NodeMapping(order=Order.ACTIVATIONS, pixels=16))
    assert other is not None
    assert other.signature != own.signature
    priced, beside = dataclasses.replace(own, exact=50), dataclasses.replace(other, exact=70)

    def runner_up(*found: Candidate) -> tuple[str, int, int] | None:
        return node_schedule(dataclasses.replace(network, found=(found, ())), 0, BOUNDS, ()).runner_up

    assert runner_up(beside, priced) == runner_up(priced, beside) == (phrase(other), 70, 50)
    assert runner_up(priced) is None
    assert runner_up(own, beside) is None, "the chosen one was not priced"
    assert runner_up(priced, other) is None
    assert node_schedule(dataclasses.replace(network, found=()), 0, BOUNDS, ()).runner_up is None


def test_imbalance_is_what_the_fullest_groups_cost() -> None:
    """One tile of 8x8 groups, of which one has 4 weights and the others 1: 4 steps where 2 would do."""
    builder = Builder((32, 4, 4), np.random.default_rng(1))
    builder.convolution(8, (1, 1), density=1.0)
    graph = builder.graph()
    weight = graph.nodes[0].layer.weight
    weight[np.arange(32) % 4 > 0] = 0
    weight[:4, 0] = 1
    assert np.count_nonzero(weight) == 64 + 3
    (note,) = imbalance(chosen(time_network(graph, MACHINE), 0))
    assert note.startswith("imbalance between groups costs 50.0% of the steps")
    weight[:4, 0] = [1, 0, 0, 0]
    assert imbalance(chosen(time_network(graph, MACHINE), 0)) == ()
