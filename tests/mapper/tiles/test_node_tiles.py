"""A node's tiles: its weights by tap, and how many outputs each column tile has."""

from __future__ import annotations

import itertools

import pytest

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.workload import Convolution, ReductionOrder
from skipbeat_mapper.placing.banks import Banks
from skipbeat_mapper.tiles.node_tiles import node_tiles, tap_weights
from tests.mapper.random_nodes import node_of

MACHINES = {name: Machine.of(load_hardware(name)) for name in ("tiny-4x4", "edge-16x16", "edge-16x16-m8")}


@pytest.mark.parametrize("order", ["kh,kw,cin", "cin,kh,kw"])
@pytest.mark.parametrize("groups", [1, 3])
def test_weights_by_tap_by_loops(order: ReductionOrder, groups: int) -> None:
    conv = Convolution(batch=1, c_in=6, c_out=9, height=4, width=4, kernel=(2, 3), groups=groups, order=order)
    node, depth, wide = node_of(conv), 6 // groups, 9 // groups
    stored, found = node.layer.weight.reshape(groups, -1, wide), tap_weights(node)
    for tap, channel, output in itertools.product(range(6), range(6), range(9)):
        group, inner = divmod(channel, depth)
        at = tap * depth + inner if order == "kh,kw,cin" else inner * 6 + tap
        value = stored[group, at, output % wide] if output // wide == group else 0
        assert found[tap, channel, output] == value


def test_outputs_of_column_tiles() -> None:
    conv = Convolution(batch=1, c_in=8, c_out=19, height=4, width=4, kernel=(1, 1))
    machine = MACHINES["tiny-4x4"]
    assert node_tiles(node_of(conv), Banks.of(8, machine), machine).outputs == (4, 4, 4, 4, 3)


@pytest.mark.parametrize("outputs", [19, 40])
def test_what_is_told_of_column_tiles_and_of_all_is_that_of_their_tiles(outputs: int) -> None:
    machine = MACHINES["tiny-4x4"]
    conv = Convolution(batch=1, c_in=24, c_out=outputs, height=4, width=4, kernel=(3, 3))
    tiles = node_tiles(node_of(conv, density=0.1), Banks.of(24, machine), machine)
    assert list(tiles.steps) == [sum(tile.statistics.beat for tile in column) for column in tiles.columns]
    assert list(tiles.column_words) == [sum(tile.words for tile in column) for column in tiles.columns]
    every = [tile.statistics for column in tiles.columns for tile in column]
    assert tiles.statistics == [(each, sum(tile is each for tile in every)) for each in dict.fromkeys(every)]
    alike = [[(tile.number, id(tile.statistics)) for tile in column] for column in tiles.columns]
    for one, other in itertools.combinations(range(len(alike)), 2):
        assert (tiles.contents[one] == tiles.contents[other]) == (alike[one] == alike[other])
