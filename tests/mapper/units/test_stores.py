"""Stores: every output vector goes to its place in memory, and into the banks where the next node's walks read it."""

from __future__ import annotations

import itertools

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
from skipbeat_mapper.placing.regions import Span, blocks
from skipbeat_mapper.units.activation_loads import clear
from skipbeat_mapper.units.on_chip import OnChip
from skipbeat_mapper.units.stores import Stores
from skipbeat_mapper.units.unit import Range, Space, StoreOp
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


@pytest.mark.parametrize("preset", MACHINES)
@few
@given(nodes(), st.integers(1, 3))
def test_every_vector_of_the_output_is_written_once_at_its_place(preset: str, node: Node, images: int) -> None:
    machine = MACHINES[preset]
    try:
        memory = placed(graph_of(node), machine, images)
    except InputError:
        assume(False)
    group = memory.groups[0]
    prepared, (channels, height, width) = group.nodes[0], node.out_shape
    stores, scale = Stores(prepared, OnChip(machine), group), 4 if node.raw else 1
    found: list[int] = []
    for region, column in itertools.product(prepared.regions, range(-(-channels // machine.vector))):
        for rows, columns in blocks(region, node, machine):
            store, _ = stores.store(column, rows, columns)
            for number, (_, row, at, image) in enumerate(block_pixels(rows, columns, group.images, column)):
                place = (((column * height + row) * width + at) * group.images + image) * scale
                assert store.address + number * scale == group.tensors["output"] + place
            assert store.writes == Range(Space.MEMORY, store.address, store.address + store.count * scale)
            assert (store.raw, store.pool) == (node.raw, node.window.kernel[0] * node.window.kernel[1])
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
        group = placed(graph_of(*preceded(reader)), machine, images).groups[0]
    except InputError:
        assume(False)
    source, target = group.nodes
    chain = source.output
    assume(chain is not None)
    assert chain is not None
    contents: Contents = {
        (bank, entry): None
        for each in clear(chain.region, chain.base, target)
        for span in each.spans
        for entry in range(*span)
        for bank in range(machine.hw.array.rows)
    }
    stores = Stores(source, OnChip(machine), group)
    for region, column in itertools.product(source.regions, range(len(source.tiles.columns))):
        for rows, columns in blocks(region, source.node, machine):
            write_local(stores.store(column, rows, columns)[0], rows, columns, column, group.images, contents, machine)
    for output in itertools.product(range(reader.out_shape[1]), range(reader.out_shape[2])):
        for at, bundle in wanted(target.node, target.banks, chain.region, chain.base, output):
            assert contents[at] == bundle


def write_local(
    store: StoreOp, rows: Span, columns: Span, column: int, images: int, contents: Contents, machine: Machine
) -> None:
    """The vectors of a block go into the banks, over nothing that was there."""
    assert store.local is not None
    assert store.writes is None
    written = write_banks(store.local, block_pixels(rows, columns, images, column), machine)
    assert not contents.keys() & {at for at, _ in written}
    entries = [entry for (_, entry), _ in written]
    assert store.local.writes == Range(Space.ACTIVATIONS, min(entries), max(entries) + 1)
    contents.update(written)


@pytest.mark.parametrize("outputs", [4 * PARAMETER_BLOCKS, 4 * PARAMETER_BLOCKS + 4])
@pytest.mark.parametrize("columns_first", [False, True])
def test_every_store_finds_its_parameters(outputs: int, columns_first: bool) -> None:
    machine, conv = MACHINES["tiny-4x4"], Convolution(batch=1, c_in=4, c_out=outputs, height=3, width=8, kernel=(1, 1))
    group = placed(graph_of(node_of(conv)), machine).groups[0]
    stores, columns = Stores(group.nodes[0], OnChip(machine), group), outputs // machine.vector
    there: dict[int, int] = {}  # by its block on the chip, the column tile whose parameters are there
    visits = list(itertools.product(range(columns), range(3)))
    loads = 0
    for column, row in visits if columns_first else sorted(visits, key=lambda visit: visit[1]):
        store, new = stores.store(column, (row, row + 1), (0, 8))
        for load in new:
            assert (load.kind, load.count) == (Kind.PARAMETERS, PARAMETER_VECTORS)
            there[load.to // PARAMETER_PITCH] = (load.source - group.nodes[0].parameters_at) // PARAMETER_PITCH
        loads += len(new)
        assert there[store.block] == column
        first = store.block * PARAMETER_PITCH
        assert store.reads == (Range(Space.PARAMETERS, first, first + PARAMETER_VECTORS),)
    assert loads == columns if columns_first or columns <= PARAMETER_BLOCKS else columns < loads


def test_parameters_that_another_group_of_images_left_are_not_loaded_again() -> None:
    machine, conv = MACHINES["tiny-4x4"], Convolution(batch=1, c_in=4, c_out=8, height=2, width=2, kernel=(1, 1))
    group, chip = placed(graph_of(node_of(conv)), machine).groups[0], OnChip(machine)
    found = [len(Stores(group.nodes[0], chip, group).store(1, (0, 1), (0, 2))[1]) for _ in range(2)]
    assert found == [1, 0]


def test_a_residual_is_loaded_from_where_the_output_would_be_in_its_tensor() -> None:
    builder = Builder((8, 3, 4), np.random.default_rng(0))
    trunk = builder.convolution(8, (1, 1))
    builder.convolution(8, (3, 3), padding=(1, 1), residual=trunk)
    machine = MACHINES["tiny-4x4"]
    group = placed(builder.graph(), machine).groups[0]
    stores = Stores(group.nodes[1], OnChip(machine), group)
    behind = 0
    for column, row in itertools.product(range(2), range(3)):
        store, loads = stores.store(column, (row, row + 1), (0, 4))
        (load,) = (each for each in loads if each.kind == Kind.RESIDUAL)
        assert load.source - group.tensors["node0"] == store.address - group.tensors["node1"] == (3 * column + row) * 4
        assert (load.to, load.count) == (store.residual_at, store.count) == (store.residual_at, 4)
        assert load.writes in store.reads
        assert load.to == behind
        behind += load.count
