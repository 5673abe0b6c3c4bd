"""Weights: every pass of every visit finds its tile's words in the buffer, whatever the buffer has room for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch.engines import Kind
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.workload import Convolution
from skipbeat_mapper.memory_map import PlacedNode
from skipbeat_mapper.tiles.column_tiles import Placed
from skipbeat_mapper.units.on_chip import OnChip
from skipbeat_mapper.units.unit import Range, Space
from skipbeat_mapper.units.weight_loads import PART_WORDS, WeightLoads, weight_parts
from tests.mapper.placed import graph_of, placed
from tests.mapper.random_nodes import few, node_of


def prepared(kib: int) -> tuple[PlacedNode, Machine]:
    """A node of three column tiles with 20 tiles each, for a buffer of so many KiB."""
    machine = Machine.of(load_hardware("edge-8x8", [f"weights.buffer_kib={kib}"]))
    conv = Convolution(batch=1, c_in=64, c_out=24, height=6, width=6, kernel=(3, 3), padding=(1, 1))
    return placed(graph_of(node_of(conv)), machine).groups[0].nodes[0], machine


#: Buffers for all weights, for a column tile at a time (twice), and for less than that.
ALL, COLUMN, PARTS = 32, 12, 4


@pytest.mark.parametrize(("kib", "loads_of_a_tile"), [(ALL, 1), (COLUMN, 2), (PARTS, 4)])
def test_every_pass_finds_its_tile(kib: int, loads_of_a_tile: int) -> None:
    node, machine = prepared(kib)
    weights, buffer = WeightLoads(node, OnChip(machine)), [-1] * machine.weight_depth
    loaded = dict.fromkeys(range(node.tiles.words), 0)
    for column in [0, 0, 1, 1, 2, 2] * 2:
        seen: list[Placed] = []
        for part, loads in weights.parts(column, 8):
            for load in loads:
                assert load.kind == Kind.WEIGHTS
                assert load.writes == Range(Space.WEIGHTS, load.to, load.to + load.count)
                for word in range(load.count):
                    buffer[load.to + word] = load.source - node.weights_at + word
                    loaded[load.source - node.weights_at + word] += 1
            for each in part:
                first = node.tiles.at[column] + each.tile.at
                words = list(range(first, first + each.tile.words))
                assert buffer[each.at : each.at + each.tile.words] == words
            seen += part
        order = [each.tile.at for each in seen]
        assert sorted(order) == [tile.at for tile in node.tiles.columns[column]]
    assert set(loaded.values()) == {loads_of_a_tile}


@pytest.mark.parametrize("kib", [ALL, COLUMN])
def test_every_other_visit_goes_backwards_while_weights_stay(kib: int) -> None:
    node, machine = prepared(kib)
    weights = WeightLoads(node, OnChip(machine))
    forwards = [tile.at for tile in node.tiles.columns[1]]
    visits = [[each.tile.at for part, _ in weights.parts(1, 8) for each in part] for _ in range(3)]
    assert visits == [forwards, forwards[::-1], forwards]


def test_the_first_pass_waits_for_one_tile() -> None:
    node, machine = prepared(ALL)
    parts = WeightLoads(node, OnChip(machine)).parts(0, 8)
    assert len(parts[0][0]) == 1
    assert all(len(loads) == 1 and loads[0].count <= PART_WORDS for _, loads in parts)


def test_what_another_group_of_images_left_is_not_loaded_again() -> None:
    node, machine = prepared(ALL)
    chip = OnChip(machine)
    counts = []
    for _ in range(2):
        weights = WeightLoads(node, chip)
        counts.append(sum(load.count for column in range(3) for _, loads in weights.parts(column, 8) for load in loads))
    assert counts == [node.tiles.words, 0]


@few
@given(st.integers(1, 100), st.none() | st.integers(1, 100))
def test_parts_are_runs_that_fit(words: int, first: int | None) -> None:
    tiles = prepared(ALL)[0].tiles.columns[0]
    parts = weight_parts(tiles, words, first)
    assert [tile for part in parts for tile in part] == list(tiles)
    for number, part in enumerate(parts):
        room, size = first if first is not None and not number else words, sum(tile.words for tile in part)
        assert len(part) == 1 or size <= room
        if number + 1 < len(parts):
            assert size + parts[number + 1][0].words > room
