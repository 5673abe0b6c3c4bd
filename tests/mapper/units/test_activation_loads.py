"""Loads of activations: what every output reads is there before its block, each entry written once."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Node
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.workload import Convolution
from skipbeat_mapper.placing.regions import Region, blocks
from skipbeat_mapper.units.activation_loads import LOAD_VECTORS, Lines, clear, table_load
from skipbeat_mapper.units.unit import Load, Range, Space
from tests.mapper.placed import Contents, graph_of, placed, vectors, wanted, write_banks
from tests.mapper.random_nodes import few, node_of, nodes

#: Few banks with many planes, and many with few; small buffers, so that there are several regions and blocks.
MACHINES = {
    "tiny-4x4": Machine.of(load_hardware("tiny-4x4", ["activations.buffer_kib=1", "accumulators.depth=16"])),
    "edge-16x16": Machine.of(load_hardware("edge-16x16", ["activations.buffer_kib=4", "accumulators.depth=16"])),
}
BASE = 5
#: Cut between columns: the last region has zeros only on its right.
WIDE = node_of(Convolution(batch=1, c_in=4, c_out=4, height=4, width=16, kernel=(3, 3), padding=(1, 1)))


def zeros(region: Region, node_clear: list[int], rows: int) -> Contents:
    """The banks after the ZEROs of a region."""
    return {(bank, entry): None for entry in node_clear for bank in range(rows)}


@pytest.mark.parametrize("preset", MACHINES)
@few
@given(nodes(), st.integers(1, 3))
@example(WIDE, 1)
def test_every_block_finds_what_it_reads(preset: str, node: Node, images: int) -> None:
    machine = MACHINES[preset]
    try:
        memory = placed(graph_of(node), machine, images)
    except InputError:
        assume(False)
    group = memory.groups[0]
    prepared, size = group.nodes[0], (node.convolution.height, node.convolution.width)
    for region in prepared.regions:
        entries = [e for each in clear(region, BASE, prepared) for span in each.spans for e in range(*span)]
        assert len(entries) == len(set(entries))
        assert all(BASE <= entry < BASE + region.entries for entry in entries)
        contents = zeros(region, entries, machine.hw.array.rows)
        lines = Lines(prepared, region, BASE, 100, range(prepared.banks.blocks))
        for rows, columns in blocks(region, node, machine):
            for load in lines.needed(rows, columns):
                put(load, contents, machine, vectors(load.source - 100, load.count, size, group.images))
            for output in ((row, column) for row in range(*rows) for column in range(*columns)):
                for at, bundle in wanted(node, prepared.banks, region, BASE, output):
                    assert contents[at] == bundle
        assert lines.needed(region.rows, region.columns) == []


def put(load: Load, contents: Contents, machine: Machine, data: list[tuple[int, int, int, int]]) -> None:
    """A LOAD writes entries that nothing was written to, and says so."""
    written = write_banks(load, data, machine)
    places = [at for at, _ in written]
    assert not contents.keys() & set(places)
    assert len(places) == len(set(places))
    entries = [entry for _, entry in places]
    assert load.writes == Range(Space.ACTIVATIONS, min(entries), max(entries) + 1)
    assert load.count <= LOAD_VECTORS or load.count == load.width
    contents.update(written)


def test_a_map_without_padding_needs_no_zeros() -> None:
    conv = Convolution(batch=1, c_in=16, c_out=4, height=4, width=4, kernel=(2, 2))
    prepared = placed(graph_of(node_of(conv)), MACHINES["edge-16x16"]).groups[0].nodes[0]
    assert clear(prepared.regions[0], 0, prepared) == []


def test_lines_that_follow_one_another_come_in_loads_of_a_few() -> None:
    conv = Convolution(batch=1, c_in=16, c_out=4, height=40, width=20, kernel=(1, 1))
    machine = Machine.of(load_hardware("edge-16x16"))
    prepared = placed(graph_of(node_of(conv)), machine).groups[0].nodes[0]
    loads = Lines(prepared, prepared.regions[0], 0, 0, range(1)).needed((0, 40), (0, 20))
    assert [load.count for load in loads] == [240, 240, 240, 80]


def test_a_single_line_comes_as_its_blocks_need_it() -> None:
    """The tokens of a product, and with a kernel those that its window reaches."""
    machine = Machine.of(load_hardware("edge-16x16"))
    for kernel, expected in ((1, [30, 30, 40]), (3, [31, 30, 39])):
        conv = Convolution(batch=1, c_in=32, c_out=4, height=1, width=100, kernel=(1, kernel), padding=(0, kernel // 2))
        prepared = placed(graph_of(node_of(conv)), machine).groups[0].nodes[0]
        lines = Lines(prepared, prepared.regions[0], 0, 0, range(2))
        found = [lines.needed((0, 1), columns) for columns in ((0, 30), (30, 60), (60, 100), (0, 30))]
        assert [[load.count for load in loads] for loads in found] == [[count] * 2 for count in expected] + [[]]


@pytest.mark.parametrize("preset", MACHINES)
def test_table_entries_are_whole_vectors(preset: str) -> None:
    machine = MACHINES[preset]
    load, each = table_load(machine, source=7, entry=3, count=2), machine.table_vectors
    assert each * machine.vector >= 2 * machine.hw.array.rows  # two bytes for every bank
    assert (load.to, load.source, load.count) == (3 * each, 7, 2 * each)
    assert load.writes == Range(Space.TABLE, 3, 5)
