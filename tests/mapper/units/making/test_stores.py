"""Stores: every output vector goes to its place in memory, and into the banks where the next node's walks read it."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from skipbeat_arch.engines import Kind
from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Node
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import PARAMETER_BLOCKS, PARAMETER_PITCH, PARAMETER_VECTORS, Machine
from skipbeat_arch.workload import Convolution
from skipbeat_mapper.memory_map import MemoryMap, memory_map
from skipbeat_mapper.placing.node_mapping import PLAIN, NodeMapping, Order
from skipbeat_mapper.placing.regions import Span
from skipbeat_mapper.units.network_units import plan
from skipbeat_mapper.units.units import Space
from tests.mapper.listed import Clear, Load, Range, StoreOp, Visit, listed, visited
from tests.mapper.networks import Builder
from tests.mapper.placed import Bundle, Contents, graph_of, placed, wanted, write_banks
from tests.mapper.random_nodes import few, node_of, nodes, preceded

MACHINES = {
    "tiny-4x4": Machine.of(load_hardware("tiny-4x4", ["accumulators.depth=16"])),
    "edge-16x16": Machine.of(load_hardware("edge-16x16", ["accumulators.depth=16"])),
}


def block_pixels(rows: Span, columns: Span, images: int, column: int) -> list[Bundle]:
    """The output vectors of a block in their order: channel block, row, column, image."""
    return [(column, *at) for at in itertools.product(range(*rows), range(*columns), range(images))]


def stores(memory: MemoryMap, number: int = 0) -> Iterator[tuple[Visit, StoreOp]]:
    """The store of each visit of a node that is planned alone."""
    for visit in visited(memory, number=number):
        first, *others = (unit.store for unit in visit.units)
        assert first is not None
        assert not any(others)
        yield visit, first


@pytest.mark.parametrize("preset", MACHINES)
@few
@given(nodes(), st.integers(1, 3))
def test_every_vector_of_the_output_is_written_once_at_its_place(preset: str, node: Node, images: int) -> None:
    machine = MACHINES[preset]
    try:
        memory = placed(graph_of(node), machine, images)
    except InputError:
        assume(False)
    group, (channels, height, width) = memory.groups[0], node.out_shape
    scale, found = 4 if node.raw else 1, list[int]()
    for visit, store in stores(memory):
        pixels = block_pixels(visit.rows, visit.columns, group.images, visit.column)
        for number, (_, row, at, image) in enumerate(pixels):
            place = (((visit.column * height + row) * width + at) * group.images + image) * scale
            assert store.address + number * scale == group.tensors["output"] + place
        assert store.count == len(pixels)
        assert store.writes == Range(Space.MEMORY, store.address, store.address + store.count * scale)
        assert store.pool == node.window.kernel[0] * node.window.kernel[1]
        assert store.local is None
        found += range(store.address, store.address + store.count * scale)
    total = -(-channels // machine.vector) * height * width * group.images * scale
    assert sorted(found) == list(range(group.tensors["output"], group.tensors["output"] + total))


@pytest.mark.parametrize("preset", MACHINES)
@few
@given(nodes(), st.integers(1, 3))
def test_local_stores_write_what_the_walks_of_the_reader_read(preset: str, reader: Node, images: int) -> None:
    machine = MACHINES[preset]
    try:
        memory = placed(graph_of(*preceded(reader)), machine, images)
    except InputError:
        assume(False)
    source, target = memory.groups[0].nodes
    chain = source.output
    assume(chain is not None)
    assert chain is not None
    every, contents = list(stores(memory)), Contents()
    cleared = (load for visit, _ in every for unit in visit.units for load in unit.loads if isinstance(load, Clear))
    for load in cleared:
        if load.writes.start == chain.base:
            entries = [entry for span in load.spans for entry in range(*span)]
            contents = {(bank, entry): None for entry in entries for bank in range(machine.hw.array.rows)}
            break  # other zeros are those of its own input
    for visit, store in every:
        write_local(store, visit, memory.groups[0].images, contents, machine)
    for output in itertools.product(range(reader.out_shape[1]), range(reader.out_shape[2])):
        for at, bundle in wanted(target.node, target.banks, chain.region, chain.base, output):
            assert contents[at] == bundle


def write_local(store: StoreOp, visit: Visit, images: int, contents: Contents, machine: Machine) -> None:
    """The vectors of a block go into the banks, over nothing that was there."""
    assert store.local is not None
    assert store.writes is None
    written = write_banks(store.local, block_pixels(visit.rows, visit.columns, images, visit.column), machine)
    assert not contents.keys() & {at for at, _ in written}
    entries = [entry for (_, entry), _ in written]
    assert store.local.writes == Range(Space.ACTIVATIONS, min(entries), max(entries) + 1)
    contents.update(written)


@pytest.mark.parametrize("outputs", [4 * PARAMETER_BLOCKS, 4 * PARAMETER_BLOCKS + 4])
@pytest.mark.parametrize("columns_first", [False, True])
def test_every_store_finds_its_parameters(outputs: int, columns_first: bool) -> None:
    conv = Convolution(batch=1, c_in=4, c_out=outputs, height=3, width=8, kernel=(1, 1))
    machine = MACHINES["tiny-4x4"]
    order = Order.COLUMNS if columns_first else Order.ACTIVATIONS
    memory = memory_map(graph_of(node_of(conv)), machine, [NodeMapping(order=order, pixels=8)])
    node, columns, there, loads = memory.groups[0].nodes[0], outputs // machine.vector, dict[int, int](), 0
    for visit, store in stores(memory):
        for load in (each for unit in visit.units for each in unit.loads if each.writes.space == Space.PARAMETERS):
            assert isinstance(load, Load)
            assert (load.kind, load.count) == (Kind.PARAMETERS, PARAMETER_VECTORS)
            there[load.to // PARAMETER_PITCH] = (load.source - node.parameters_at) // PARAMETER_PITCH
            loads += 1
        assert there[store.block] == visit.column
        first = store.block * PARAMETER_PITCH
        assert store.reads == (Range(Space.PARAMETERS, first, first + PARAMETER_VECTORS),)
    assert loads == columns if columns_first or columns <= PARAMETER_BLOCKS else columns < loads


def test_what_another_group_of_images_left_is_not_loaded_again() -> None:
    conv = Convolution(batch=1, c_in=4, c_out=8, height=40, width=40, kernel=(1, 1))
    memory = placed(graph_of(*preceded(node_of(conv))), MACHINES["tiny-4x4"], 3)
    assert len(memory.groups) > 1
    kinds = Counter(load.writes.space for unit in listed(plan(memory)) for load in unit.loads)
    nodes = memory.groups[0].nodes
    assert kinds[Space.PARAMETERS] == sum(len(node.tiles.columns) for node in nodes)
    words = [load for unit in listed(plan(memory)) for load in unit.loads if load.writes.space == Space.WEIGHTS]
    assert sum(load.writes.stop - load.writes.start for load in words) == sum(node.tiles.words for node in nodes)


def test_a_residual_is_loaded_from_where_the_output_would_be_in_its_tensor() -> None:
    builder = Builder((8, 3, 4), np.random.default_rng(0))
    trunk = builder.convolution(8, (1, 1))
    builder.convolution(8, (3, 3), padding=(1, 1), residual=trunk)
    memory = memory_map(builder.graph(), MACHINES["tiny-4x4"], [PLAIN, NodeMapping(pixels=4)])
    tensors, behind = memory.groups[0].tensors, 0
    for visit, store in stores(memory, number=1):
        (load,) = (each for each in visit.units[0].loads if each.writes.space == Space.RESIDUAL)
        assert isinstance(load, Load)
        place = (3 * visit.column + visit.rows[0]) * 4
        assert load.source - tensors["node0"] == store.address - tensors["node1"] == place
        assert (load.to, load.count) == (store.residual_at, store.count) == (store.residual_at, 4)
        assert load.writes in store.reads
        assert load.to == behind
        behind += load.count
