"""Memory: everything has its place, no two things the same, and each begins on a burst."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import PARAMETER_PITCH, Machine
from skipbeat_arch.workload import Convolution
from skipbeat_mapper.layer_graph import layer_graph
from skipbeat_mapper.memory_map import CHAINED_PIXELS, MemoryMap
from skipbeat_mapper.tiles.offset_tables import table_data
from skipbeat_mapper.tiles.packed_node import packed_words, parameter_data
from tests.mapper.networks import Builder, random_graph
from tests.mapper.placed import placed


def ranges(memory: MemoryMap) -> list[tuple[int, int]]:
    """First and last vector of everything, apart from what is the same thing."""
    machine = memory.machine
    found = {(0, machine.table_vectors)}
    raw = {node.output for node in memory.graph.nodes if node.raw}
    for group in memory.groups:
        for each in group.nodes:
            found.add((each.table_at, each.table_at + len(each.tables.entries) * machine.table_vectors))
            found.add((each.parameters_at, each.parameters_at + len(each.tiles.columns) * PARAMETER_PITCH))
            found.add((each.weights_at, each.weights_at + each.tiles.words))
        for name, at in group.tensors.items():
            channels, height, width = memory.graph.tensor(name).shape
            count = -(-channels // machine.vector) * height * width * group.images * (4 if name in raw else 1)
            found.add((at, at + count))
    return sorted((start, stop) for start, stop in found if stop > start)


@pytest.mark.parametrize("preset", ["tiny-4x4", "edge-8x8"])
@pytest.mark.parametrize("seed", range(6))
def test_no_two_things_overlap_and_all_begin_on_a_burst(preset: str, seed: int) -> None:
    machine = Machine.of(load_hardware(preset, [f"activations.buffer_kib={16 << seed}"]))
    memory = placed(random_graph(np.random.default_rng(seed)), machine, images=1 + seed % 3 * 2)
    assert seed != 5 or memory.groups[0].images > 1
    found = ranges(memory)
    assert all(stop <= start for (_, stop), (start, _) in itertools.pairwise(found))
    assert all(start % machine.burst_beats == 0 for start, _ in found)
    assert found[-1][1] <= memory.vectors
    first = [group.first for group in memory.groups]
    assert first == list(itertools.accumulate((group.images for group in memory.groups[:-1]), initial=0))


@pytest.mark.parametrize("seed", range(3))
def test_what_is_stored_lies_where_nodes_say(seed: int) -> None:
    machine = Machine.of(load_hardware("tiny-4x4"))
    memory = placed(random_graph(np.random.default_rng(seed)), machine)
    data = memory.data().reshape(-1, machine.vector)
    assert len(data) == memory.stored
    assert not data[: machine.table_vectors].any()
    for each in memory.groups[0].nodes:
        for at, part in (
            (each.table_at, table_data(each.tables.entries, machine)),
            (each.parameters_at, parameter_data(each.node, machine)),
            (each.weights_at, packed_words(each.node, each.banks, each.tiles, machine)),
        ):
            count = part.size // machine.vector
            assert np.array_equal(data[at : at + count].ravel(), part)
    assert all(at >= memory.stored for at in memory.groups[0].tensors.values())


@pytest.mark.parametrize("preset", ["tiny-4x4", "edge-8x8"])
def test_second_operands_lie_one_behind_the_other_at_equal_distances(preset: str) -> None:
    machine = Machine.of(load_hardware(preset))
    line = Convolution(batch=1, c_in=19, c_out=11, height=1, width=7, kernel=(1, 1))
    graph = layer_graph(line, np.ones((19, 11), np.int8), "n", operand=True)
    memory = placed(graph, machine, images=5)
    assert [(group.first, group.images) for group in memory.groups] == [(number, 1) for number in range(5)]
    found = ranges(memory)
    assert all(stop <= start for (_, stop), (start, _) in itertools.pairwise(found))
    places = [group.nodes[0].weights_at for group in memory.groups]
    assert len({after - before for before, after in itertools.pairwise(places)}) == 1
    data, node = memory.data().reshape(-1, machine.vector), memory.groups[0].nodes[0]
    words = packed_words(node.node, node.banks, node.tiles, machine)
    for at in places:
        assert np.array_equal(data[at : at + node.tiles.words].ravel(), words)


def test_a_tensor_that_stays_on_the_chip_has_no_place_and_small_blocks() -> None:
    builder = Builder((16, 8, 8), np.random.default_rng(0))
    builder.convolution(16, (3, 3), padding=(1, 1))
    builder.convolution(16, (3, 3), padding=(1, 1))
    memory = placed(builder.graph(), Machine.of(load_hardware("edge-8x8")))
    group = memory.groups[0]
    assert group.tensors.keys() == {"input", "node1"}
    assert [each.writes for each in group.nodes] == [False, True]
    assert [each.mapping.pixels for each in group.nodes] == [CHAINED_PIXELS, None]
