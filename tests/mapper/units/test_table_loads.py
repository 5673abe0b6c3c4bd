"""Table entries: every pass finds its offsets in the table, loaded before it and not written over since."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.engines import Kind
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import TABLE_ENTRIES, Machine
from skipbeat_arch.workload import Convolution
from skipbeat_mapper.memory_map import PlacedNode
from skipbeat_mapper.tiles.column_tiles import Placed
from skipbeat_mapper.units.on_chip import OnChip
from skipbeat_mapper.units.table_loads import TableLoads
from tests.mapper.placed import graph_of, placed
from tests.mapper.random_nodes import node_of

MACHINE = Machine.of(load_hardware("tiny-4x4"))


def prepared(channels: int, outputs: int, density: float) -> PlacedNode:
    """A node whose rows are in an order of their own in every column tile, if its weights are not dense."""
    conv = Convolution(batch=1, c_in=channels, c_out=outputs, height=40, width=40, kernel=(3, 3))
    return placed(graph_of(node_of(conv, density=density)), MACHINE).groups[0].nodes[0]


def check(node: PlacedNode, turns: int) -> list[int]:
    """Goes through all column tiles so often; returns the entries that each turn loaded."""
    tables, table = TableLoads(node, OnChip(MACHINE), MACHINE), [-1] * TABLE_ENTRIES
    table[0] = -2  # the entry of zeros
    counts = []
    for _ in range(turns):
        loaded = 0
        for number, column in enumerate(node.tiles.columns):
            tiles = [Placed(tile=tile, at=0) for tile in column]
            found: list[Placed] = []
            for piece, loads in tables.pieces(node.regions[0], number, tiles):
                for load in loads:
                    assert load.kind == Kind.TABLE
                    first, count = (size // MACHINE.table_vectors for size in (load.to, load.count))
                    source = (load.source - node.table_at) // MACHINE.table_vectors
                    table[first : first + count] = range(source, source + count)
                    loaded += count
                start = tables.start(node.regions[0], number, piece)
                entries = node.tables.places(node.regions[0], number)[:, 3].tolist()
                for each in piece:
                    offsets, entry = node.tables.place(node.regions[0], each.tile.number)[1], entries[each.tile.place]
                    at = table[start + entry if entry >= 0 else 0]
                    assert (node.tables.entries[at] if at >= 0 else (0,) * 4) == offsets
                    assert at >= 0 or not np.any(offsets)
                found += piece
            assert found == tiles
        counts.append(loaded)
    assert table[0] == -2
    return counts


@pytest.mark.parametrize("density", [1.0, 0.3])
def test_entries_that_have_room_are_loaded_once(density: float) -> None:
    node = prepared(8, 12, density)
    assert len(node.tables.runs) == 1
    assert check(node, 2) == [len(node.tables.entries), 0]


def test_runs_come_and_go_where_there_are_more_entries_than_the_table_holds() -> None:
    node = prepared(64, 64, 0.3)
    assert len(node.tables.entries) > TABLE_ENTRIES
    first, second = check(node, 2)
    assert first == len(node.tables.entries)
    assert second > 0


def test_tiles_of_a_single_tap_and_plane_read_the_entry_of_zeros() -> None:
    conv = Convolution(batch=1, c_in=16, c_out=4, height=4, width=4, kernel=(1, 1))
    node = placed(graph_of(node_of(conv)), MACHINE).groups[0].nodes[0]
    assert node.tables.runs in ((), ((0, 0),))
    assert check(node, 1) == [0]
