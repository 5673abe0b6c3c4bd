"""Loads: what every block reads is there before it, each entry is written once, and pieces are of a good size."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from skipbeat_arch.engines import Kind
from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Node
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import TABLE_ENTRIES, Machine
from skipbeat_arch.workload import Convolution
from skipbeat_mapper.memory_map import MemoryMap
from skipbeat_mapper.order import places as at
from skipbeat_mapper.tiles.offset_tables import bank_offsets, cell_offsets
from skipbeat_mapper.units.making.loads import LOAD_CLOCKS, LOAD_VECTORS
from skipbeat_mapper.units.network_units import plan
from skipbeat_mapper.units.units import Space
from tests.mapper.listed import Clear, Load, Range, listed, visited
from tests.mapper.placed import Contents, graph_of, placed, vectors, wanted, write_banks
from tests.mapper.random_nodes import few, node_of, nodes

#: Few banks with many planes, and many with few; small buffers, so that there are several regions and blocks.
MACHINES = {
    "tiny-4x4": Machine.of(load_hardware("tiny-4x4", ["activations.buffer_kib=1", "accumulators.depth=16"])),
    "edge-16x16": Machine.of(load_hardware("edge-16x16", ["activations.buffer_kib=4", "accumulators.depth=16"])),
}
#: Cut between columns: the last region has zeros only on its right.
WIDE = node_of(Convolution(batch=1, c_in=4, c_out=4, height=4, width=16, kernel=(3, 3), padding=(1, 1)))


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
    group, there = memory.groups[0], None
    prepared, size, first = group.nodes[0], (node.convolution.height, node.convolution.width), group.tensors["input"]
    contents: Contents = {}
    for visit in visited(memory):
        if visit.region is not there:
            there, contents = visit.region, {}
        for load in (load for unit in visit.units for load in unit.loads):
            if isinstance(load, Clear):
                zeros = [entry for span in load.spans for entry in range(*span)]
                assert len(zeros) == len(set(zeros))
                assert load.writes == Range(Space.ACTIVATIONS, visit.base, visit.base + visit.region.entries)
                assert all(load.writes.start <= entry < load.writes.stop for entry in zeros)
                contents |= {(bank, entry): None for entry in zeros for bank in range(machine.hw.array.rows)}
            elif load.kind == Kind.ACTIVATIONS:
                put(load, contents, machine, vectors(load.source - first, load.count, size, group.images))
        for output in ((row, column) for row in range(*visit.rows) for column in range(*visit.columns)):
            for place, bundle in wanted(node, prepared.banks, visit.region, visit.base, output):
                assert contents[place] == bundle


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


def one(conv: Convolution, machine: Machine, density: float = 1.0) -> MemoryMap:
    return placed(graph_of(node_of(conv, density=density)), machine)


def lines(memory: MemoryMap) -> list[list[int]]:
    """Vectors of the loads of activations of each visit."""
    every = [[load for unit in visit.units for load in unit.loads] for visit in visited(memory)]
    return [[e.count for e in loads if isinstance(e, Load) and e.kind == Kind.ACTIVATIONS] for loads in every]


def test_a_map_without_padding_needs_no_zeros() -> None:
    conv = Convolution(batch=1, c_in=16, c_out=4, height=4, width=4, kernel=(2, 2))
    units = listed(plan(one(conv, MACHINES["edge-16x16"])))
    assert not [load for unit in units for load in unit.loads if isinstance(load, Clear)]


def test_lines_that_follow_one_another_come_in_loads_of_a_few() -> None:
    conv = Convolution(batch=1, c_in=16, c_out=4, height=40, width=20, kernel=(1, 1))
    assert lines(one(conv, Machine.of(load_hardware("edge-16x16")))) == [[240, 240, 240, 80]]


def test_a_single_line_comes_as_its_blocks_need_it() -> None:
    """The tokens of a product, and with a kernel those that its window reaches."""
    machine = Machine.of(load_hardware("edge-16x16", ["accumulators.depth=40"]))
    for kernel, expected in ((1, [33, 33, 34]), (3, [34, 33, 33])):
        conv = Convolution(batch=1, c_in=32, c_out=4, height=1, width=100, kernel=(1, kernel), padding=(0, kernel // 2))
        assert lines(one(conv, machine)) == [[count] * 2 for count in expected]


@pytest.mark.parametrize(("channels", "outputs", "density"), [(8, 12, 1.0), (8, 12, 0.3), (64, 64, 0.3), (16, 4, 1.0)])
def test_every_pass_finds_its_offsets_in_the_table(channels: int, outputs: int, density: float) -> None:
    """Loaded before it and not written over since; once, unless there are more than the table holds."""
    machine = Machine.of(load_hardware("tiny-4x4"))
    conv = Convolution(batch=1, c_in=channels, c_out=outputs, height=40, width=40, kernel=(3, 3))
    memory = one(conv, machine, density)
    node, table, loaded = memory.groups[0].nodes[0], [-1] * TABLE_ENTRIES, 0
    number = {node.tiles.at[c] + tile.at: tile.number for c, own in enumerate(node.tiles.columns) for tile in own}
    weights, cells = dict[int, int](), 0
    for visit in visited(memory):
        starts, offsets = bank_offsets(node.tiles.cells, cell_offsets(node.node, node.banks, visit.region))
        for unit in visit.units:
            for load in (each for each in unit.loads if isinstance(each, Load)):
                if load.kind == Kind.TABLE and load.source:  # not that of zeros
                    first, count = (size // machine.table_vectors for size in (load.to, load.count))
                    assert load.writes == Range(Space.TABLE, first, first + count)
                    source = (load.source - node.table_at) // machine.table_vectors
                    table[first : first + count] = range(source, source + count)
                    loaded += count
                if load.kind == Kind.WEIGHTS:
                    weights |= {load.to + n: load.source - node.weights_at + n for n in range(load.count)}
            for op in unit.passes:
                cells = number[weights[op.weights]] if op.command.load else cells
                entry = node.tables.entries[table[op.table]].tolist() if op.table else [0] * 4
                assert entry == offsets[cells].tolist()
                assert op.base >= visit.base + starts[cells]
    entries = len(node.tables.entries)
    assert loaded == entries if entries < TABLE_ENTRIES else loaded > entries


def test_table_entries_are_whole_vectors_and_what_a_load_costs() -> None:
    for machine in MACHINES.values():
        units = plan(one(Convolution(batch=1, c_in=4, c_out=4, height=4, width=4, kernel=(1, 1)), machine))
        load, each = listed(units)[0].loads[0], machine.table_vectors
        assert each * machine.vector >= 2 * machine.hw.array.rows  # two bytes for every bank
        assert load == Load(kind=Kind.TABLE, to=0, source=0, count=each, writes=Range(Space.TABLE, 0, 1))
        assert units.columns[at.CLOCKS][0] == each * machine.vector_beats + LOAD_CLOCKS
