"""What was priced is a program: compiled with weights and run, it takes exactly as long and moves as much."""

from __future__ import annotations

import dataclasses
from functools import reduce

import numpy as np
import pytest

from skipbeat_arch.estimate import LayerCost
from skipbeat_arch.graph import Graph
from skipbeat_arch.hardware import Hardware, load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.registers import Cause
from skipbeat_arch.timing import Events, MachineEvents
from skipbeat_arch.workload import Gemm
from skipbeat_mapper.compile import compile_network
from skipbeat_mapper.estimate.node_costs import node_costs, weight_bits
from skipbeat_mapper.estimate.run_prices import RunPricer
from skipbeat_mapper.placing.node_mapping import NodeMapping, Order
from skipbeat_mapper.search.timed_network import time_network
from skipbeat_mapper.tiles.packed_node import packed_words
from skipbeat_sim.machine.run_machine import run_machine
from skipbeat_verify.machine_simulation import predicted
from tests.mapper.estimate.priced_layers import (
    conv,
    graph_run,
    part_of,
    part_run,
    random_zeros,
    with_weights,
    zeros_for,
)
from tests.mapper.networks import random_graph

SMALL = load_hardware("edge-8x8")
#: Buffers so small that maps are split and weights loaded again; a narrow bus.
TIGHT = load_hardware(
    "edge-8x8",
    ["activations.buffer_kib=4", "weights.buffer_kib=3", "accumulators.depth=32", "memory.bytes_per_clock=4"],
)
WIDE = load_hardware("large-32x32")

CASES = {
    "conv": part_of(conv(24, 20, 10, 3), zeros_for(conv(24, 20, 10, 3), 2)),
    "image": part_of(conv(3, 16, 12, 5, stride=2), zeros_for(conv(3, 16, 12, 5, stride=2), 4)),
    "depthwise": part_of(conv(24, 24, 7, 3, groups=24), np.ones((24, 9, 1), np.bool_)),
    "unstructured": part_of(conv(40, 24, 6, 1), random_zeros((40, 24), 0.3, 5)),
    "tokens": part_of(Gemm(p=37, c=70, k=30), zeros_for(Gemm(p=37, c=70, k=30), 1)),
    "one token": part_of(Gemm(p=1, c=130, k=50), zeros_for(Gemm(p=1, c=130, k=50), 2)),
    "nothing": part_of(Gemm(p=9, c=8, k=20), np.zeros((8, 20), np.bool_)),
    "half a layer": part_of(Gemm(p=9, c=8, k=20), np.arange(20)[None, :] < np.full((8, 1), 5)),
}


def total(costs: list[LayerCost]) -> tuple[Events, MachineEvents, dict[Cause, int]]:
    """Events and clocks of all nodes together."""
    events = reduce(Events.__add__, (cost.events for cost in costs))
    moved = reduce(MachineEvents.__add__, (cost.machine for cost in costs))
    return events, moved, {cause: sum(cost.clocks[cause] for cost in costs) for cause in Cause}


def check(graph: Graph, hw: Hardware, mappings: list[NodeMapping] | None = None) -> None:
    """The cycle model runs the same program in the priced clocks, and so does each node."""
    machine = Machine.of(hw)
    network = time_network(graph, machine, mappings=mappings)
    costs = node_costs(network)
    program = compile_network(with_weights(graph, seed=1), hw, mappings=mappings)
    run = run_machine(machine, program.memory(), program.address, program.count, max_clocks=400_000)
    assert (run.done, run.error) == (True, 0)
    events, moved, clocks = total(costs)
    assert run.cycles == network.timing.cycles == sum(cost.cycles for cost in costs)
    assert (run.bytes_read, run.bytes_written) == (moved.read_bytes, moved.written_bytes)
    assert run.events == events
    assert {cause: getattr(run.clocks, cause.name.lower()) for cause in Cause} == clocks
    assert program.count == moved.instructions
    counts = predicted(program, machine)
    cycles = dict.fromkeys((node.layer.name for node in graph.nodes), 0)
    for node, part in zip(program.nodes, counts.parts, strict=True):
        cycles[node.name] += part
    assert list(cycles.values()) == [cost.cycles for cost in costs]
    assert all(sum(cost.clocks.values()) == cost.cycles for cost in costs)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("hw", [SMALL, TIGHT], ids=["small", "tight"])
def test_cycles_are_those_of_the_program(name: str, hw: Hardware) -> None:
    check(part_run(CASES[name]).graph(), hw)


@pytest.mark.parametrize("seed", range(6))
def test_cycles_are_those_of_networks(seed: int) -> None:
    check(random_graph(np.random.default_rng(seed)), SMALL)


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("pixels", [None, 16])
@pytest.mark.parametrize("share", [1, 2])
def test_every_mapping_is_priced_as_it_runs(order: Order, pixels: int | None, share: int) -> None:
    check(part_run(CASES["conv"]).graph(), TIGHT, [NodeMapping(order=order, pixels=pixels, share=share)])


def test_cycles_on_32_columns() -> None:
    check(part_run(part_of(conv(64, 40, 5, 3), zeros_for(conv(64, 40, 5, 3), 2))).graph(), WIDE)


@pytest.mark.parametrize("name", CASES)
def test_weight_bits_are_those_of_the_packed_weights(name: str) -> None:
    machine = Machine.of(SMALL)
    (placed,) = time_network(part_run(CASES[name]).graph(), machine).memory.groups[0].nodes
    packed = packed_words(placed.node, placed.banks, placed.tiles, machine)
    values, metadata = weight_bits(placed.tiles, machine)
    assert values + metadata == 8 * packed.size
    tiles = [tile.statistics for column in placed.tiles.columns for tile in column]
    assert metadata >= sum(tile.metadata_bits for tile in tiles)
    assert values >= sum(tile.value_bits for tile in tiles)
    assert (metadata == 0) == all(tile.metadata_bits == 0 for tile in tiles)


def test_dense_is_the_same_program_with_every_weight() -> None:
    graph = random_graph(np.random.default_rng(4))
    nodes = tuple(
        dataclasses.replace(node, layer=dataclasses.replace(node.layer, weight=np.ones_like(node.layer.weight)))
        for node in graph.nodes
    )
    full = dataclasses.replace(graph, nodes=nodes)
    pricer = RunPricer(SMALL)
    assert pricer.dense(graph_run(graph)).cycles == pricer.as_it_is(graph_run(full)).cycles
    assert pricer.dense(graph_run(graph)).cycles == time_network(full, Machine.of(SMALL)).timing.cycles
