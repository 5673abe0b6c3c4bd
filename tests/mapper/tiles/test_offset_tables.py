"""Table entries: one run if the table holds all, otherwise runs that are loaded again as they are needed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from skipbeat_arch import instruction as isa
from skipbeat_arch.engines import Kind
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import TABLE_ENTRIES, Machine
from skipbeat_arch.machine_program import MachineProgram
from skipbeat_mapper.memory_map import memory_map
from skipbeat_mapper.placing.banks import Banks
from skipbeat_mapper.tiles.offset_tables import RUN_ENTRIES, bank_offsets, node_tables, table_data
from tests.mapper.networks import Builder
from tests.mapper.program_check import check, check_clocks

TINY = load_hardware("tiny-4x4")


def table_loads(program: MachineProgram) -> list[int]:
    """Entries of each load of the table."""
    vectors = Machine.of(TINY).table_vectors
    loads = [i for i in program.instructions if isinstance(i, isa.Load)]
    return [load.count // vectors for load in loads if load.kind == Kind.TABLE]


def wide(channels: int, outputs: int, *, height: int = 4, density: float = 0.3) -> Builder:
    """A 1x1 convolution whose tiles differ from one column tile to the next."""
    builder = Builder((channels, height, 8), np.random.default_rng(1))
    builder.convolution(outputs, (1, 1), density=density)
    return builder


def test_offsets_are_those_from_the_first_cell() -> None:
    offsets = np.array([3, 9, 5, -1, -1], np.int64)
    starts, found = bank_offsets(np.array([[1, 0, -1, 2], [3, -1, -1, 3], [1, 3, 3, 3]], np.int32), offsets)
    assert starts.tolist() == [3, 0, 9]
    assert found.tolist() == [[6, 0, 0, 2], [0] * 4, [0] * 4]


def test_entries_in_memory_are_16_bits_per_bank() -> None:
    data = table_data(np.array([[1, 2, 3, 0xFFFF]], np.int64), Machine.of(TINY))
    assert data.view("<u2").tolist() == [1, 2, 3, 0xFFFF]


def test_entries_that_fit_are_loaded_once() -> None:
    program = check_clocks(wide(64, 40).graph(), TINY, 1)
    assert len(table_loads(program)) == 2  # that of zeros, and all others
    assert 1 < table_loads(program)[1] < TABLE_ENTRIES


@pytest.mark.parametrize("delay", ["", "load", "store", "start", "fetch"])
def test_more_entries_than_the_table_holds(delay: str) -> None:
    """Four regions, each with all column tiles, whose entries come again."""
    hw = load_hardware("tiny-4x4", ["activations.buffer_kib=4", "accumulators.depth=16"])
    builder = wide(256, 100)
    program = check(builder.graph(), hw, 1, delay=delay)
    counts = table_loads(program)
    assert max(counts) <= RUN_ENTRIES
    assert sum(counts) > 2 * TABLE_ENTRIES


def test_runs_of_a_column_tile_whose_entries_come_in_parts() -> None:
    builder = wide(1500, 20, height=2)
    memory = memory_map(builder.graph(), Machine.of(TINY))
    tables = memory.groups[0].nodes[0].tables
    assert len(tables.runs) > 5  # more than one for each of the five column tiles
    assert tables.largest <= RUN_ENTRIES
    check_clocks(builder.graph(), TINY, 2)


def test_two_nodes_with_many_entries() -> None:
    builder = wide(200, 200)
    builder.convolution(60, (3, 3), padding=(1, 1), density=0.2)
    builder.convolution(24, (1, 1), density=0.2)
    check(builder.graph(), TINY, 3)
    check(builder.graph(), TINY, 3, delay="load", images=2)


def test_full_groups_need_no_entries() -> None:
    builder = wide(64, 40, density=1.0)
    machine = Machine.of(TINY)
    tables = memory_map(builder.graph(), machine).groups[0].nodes[0].tables
    assert (len(tables.entries), tables.runs, tables.largest) == (0, (), 0)
    assert Banks.of(64, machine).cell_taps(1).tolist() == [[0] * 4] * 4


def test_entries_are_found_once_for_regions_of_one_kind() -> None:
    builder = wide(64, 40)
    node = memory_map(builder.graph(), Machine.of(TINY)).groups[0].nodes[0]
    (region,) = node.regions
    lower = dataclasses.replace(region, top=region.top + 1)
    assert node_tables(node.node, node.tiles, [lower]) is node.tables
    longer = dataclasses.replace(region, pitch=region.pitch + 1)
    assert node_tables(node.node, node.tiles, [region, longer]) is not node.tables
