"""What nodes cost: together what the program costs, and each what its instructions say."""

from __future__ import annotations

import dataclasses
from functools import reduce

import numpy as np
import pytest

from skipbeat_arch import instruction as isa
from skipbeat_arch.estimate import Bound, LayerCost, Schedule
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.registers import Cause
from skipbeat_arch.tile import pack_tile
from skipbeat_arch.timing import Events, MachineEvents
from skipbeat_mapper.bounds import tightest
from skipbeat_mapper.estimate.node_costs import node_costs, sum_costs, weight_bits
from skipbeat_mapper.layer_graph import layer_graph
from skipbeat_mapper.search.timed_network import time_network
from tests.mapper.estimate.priced_layers import conv
from tests.mapper.networks import random_graph

MACHINE = Machine.of(load_hardware("edge-8x8", ["activations.buffer_kib=8", "weights.buffer_kib=4"]))


#: A beat of memory holds two instructions.
WIDE = Machine.of(load_hardware("edge-8x8", ["array.cols=32", "memory.bytes_per_clock=32"]))


@pytest.mark.parametrize(("machine", "images"), [(MACHINE, 1), (MACHINE, 3), (WIDE, 1)], ids=["one", "three", "wide"])
@pytest.mark.parametrize("seed", range(4))
def test_nodes_together_cost_what_the_program_costs(seed: int, machine: Machine, images: int) -> None:
    network = time_network(random_graph(np.random.default_rng(seed), side=12, channels=40), machine, images)
    costs, timing, program = node_costs(network), network.timing, network.lowered.instructions
    assert [cost.cycles for cost in costs] == network.node_cycles()
    moved = reduce(MachineEvents.__add__, (cost.machine for cost in costs))
    assert (moved.read_bytes, moved.written_bytes) == (timing.bytes_read, timing.bytes_written)
    assert moved.instructions == len(program)
    assert moved.outputs == sum(i.count * i.pool * machine.vector for i in program if isinstance(i, isa.Store))
    assert reduce(Events.__add__, (cost.events for cost in costs)) == timing.events
    for cost in costs:
        assert sum(cost.clocks.values()) == cost.cycles
        assert cost.macs == cost.events.macs
        assert cost.bound == tightest(cost.schedule.bounds)


@pytest.mark.parametrize("seed", range(4))
def test_products_are_pixels_times_weights(seed: int) -> None:
    graph = random_graph(np.random.default_rng(seed), side=12, channels=40)
    for node, cost in zip(graph.nodes, node_costs(time_network(graph, MACHINE)), strict=True):
        height, width = node.convolution.out_size
        window = node.window
        rows, columns = (
            (n - 1) * s + k for n, s, k in zip(node.out_shape[1:], window.stride, window.kernel, strict=True)
        )
        assert rows <= height
        assert columns <= width
        sums = (
            node.out_shape[1] * node.out_shape[2] * window.kernel[0] * window.kernel[1]
        )  # where windows overlap, again
        assert cost.macs == sums * np.count_nonzero(node.layer.weight)


def test_bits_are_those_of_the_packed_file() -> None:
    """Two tiles of 8 rows of groups; each section is padded to words of 8 bytes."""
    rng = np.random.default_rng(3)
    weight = np.where(rng.random((64, 8)) < 0.4, rng.integers(1, 99, (64, 8)), 0).astype(np.int8)
    network = time_network(layer_graph(conv(64, 8, 1, 1), weight, "mine"), MACHINE)
    tiles = network.memory.groups[0].nodes[0].tiles
    values, metadata = weight_bits(tiles, MACHINE)
    assert values % 64 == metadata % 64 == 0
    packed = [pack_tile(part.reshape(8, 4, 8), MACHINE.hw) for part in weight.reshape(2, 32, 8)]
    assert values == sum(-(-tile.value_bits // 64) * 64 for tile in packed)
    assert metadata == sum(-(-tile.metadata_bits // 64) * 64 for tile in packed)
    assert values + metadata == 64 * tiles.words


def cost(cycles: int, **bounds: int) -> LayerCost:
    """A cost whose counts can be told apart."""
    clocks = dict.fromkeys(Cause, 0) | {Cause.COMPUTE: cycles - 1, Cause.IDLE: 1}
    named = {Bound[name.upper()]: count for name, count in bounds.items()}
    return LayerCost(
        cycles=cycles,
        clocks=clocks,
        macs=2 * cycles,
        events=Events(macs=2 * cycles, results=cycles),
        machine=MachineEvents(read_bytes=3 * cycles, instructions=1),
        value_bits=64,
        metadata_bits=8,
        bound=tightest(named),
        schedule=Schedule(order=(f"{cycles} clocks",), encodings={}, bounds=named),
    )


def test_a_cost_alone_stays_as_it_is() -> None:
    alone = cost(10, compute=9, memory=3)
    assert sum_costs([(alone, 1)]) is alone


def test_costs_add_up_with_their_repeats_and_weights_are_stored_once() -> None:
    total = sum_costs([(cost(10, compute=9, memory=3), 1), (cost(4, compute=1, memory=4), 5)])
    assert total.cycles == 10 + 5 * 4
    assert total.clocks == dict.fromkeys(Cause, 0) | {Cause.COMPUTE: 9 + 5 * 3, Cause.IDLE: 1 + 5}
    assert total.macs == total.events.macs == 20 + 5 * 8
    assert total.events.results == 30
    assert total.machine == MachineEvents(read_bytes=90, instructions=6)
    assert (total.value_bits, total.metadata_bits) == (128, 16)
    assert total.schedule.bounds == {Bound.COMPUTE: 14, Bound.MEMORY: 23}
    assert total.bound == Bound.MEMORY
    assert total.schedule.order == ("4 clocks",), "five times four clocks are longer than ten"
    assert total.schedule.notes == ("it is computed in 6 turns; the loops shown are those of the longest one",)
    assert dataclasses.replace(total, cycles=0) != total
