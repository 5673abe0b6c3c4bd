"""The words in memory and the cells of the rows give back every weight; parameters lie by channel."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given

from skipbeat_arch.command import Encoding
from skipbeat_arch.graph import Node
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import PARAMETER_PITCH, Machine
from skipbeat_arch.tile import PackedTile, unpack_tile
from skipbeat_arch.workload import Convolution
from skipbeat_mapper.placing.banks import Banks
from skipbeat_mapper.tiles.node_tiles import NodeTiles, node_tiles, tap_weights
from skipbeat_mapper.tiles.packed_node import packed_words, parameter_data
from skipbeat_mapper.tiles.row_order import NONE
from tests.mapper.networks import Builder
from tests.mapper.placed import group_of
from tests.mapper.random_nodes import few, node_of, nodes

MACHINES = {name: Machine.of(load_hardware(name)) for name in ("tiny-4x4", "edge-16x16", "edge-16x16-m8")}


def gathered(
    node: Node, banks: Banks, tiles: NodeTiles, machine: Machine
) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Weights int64 [taps, channels of all planes, K], added up from the packed tiles."""
    words = packed_words(node, banks, tiles, machine).reshape(-1, machine.vector)
    taps = banks.cell_taps(node.taps)
    found = np.zeros((node.taps, sum(banks.periods) * banks.group, node.convolution.c_out), np.int64)
    for number, column in enumerate(tiles.columns):
        for each in column:
            statistics, first = each.statistics, number * machine.vector
            at = tiles.at[number] + each.at
            packed = PackedTile(
                words=words[at : at + each.words],
                encoding=Encoding(statistics.encoding),
                beat=statistics.beat,
                rows=statistics.rows,
                cols=statistics.cols,
                value_bits=0,
                metadata_bits=0,
                nonzeros=0,
                slots=np.zeros((0, 0), np.int64),
            )
            values = unpack_tile(packed, machine.hw)
            for row, cell in enumerate(tiles.cells[each.number][: statistics.rows].tolist()):
                if cell == NONE:
                    assert not values[row].any()
                    continue
                turn, at = divmod(cell, banks.rows)
                assert at % banks.period == row % banks.period, "a row takes cells of its channel group"
                group = group_of(banks, turn, at) * banks.group
                if taps[turn, at] < 0:
                    assert not values[row].any()
                    continue
                found[taps[turn, at], group : group + banks.group, first : first + statistics.cols] += values[row]
    return found


@pytest.mark.parametrize("preset", MACHINES)
@few
@given(nodes(channels=40))
def test_packed_tiles_hold_every_weight_once(preset: str, node: Node) -> None:
    machine = MACHINES[preset]
    banks, weights = Banks.of(node.convolution.c_in, machine), tap_weights(node)
    found = gathered(node, banks, node_tiles(node, banks, machine), machine)
    assert np.array_equal(found[:, : weights.shape[1]], weights)
    assert not found[:, weights.shape[1] :].any()


def test_a_row_that_takes_no_cell_has_no_weights() -> None:
    """Group g lies in row g mod 4. Sorted, the full ones come first, and the second tile has nothing for row 0."""
    conv = Convolution(batch=1, c_in=32, c_out=4, height=8, width=8, kernel=(1, 1))
    machine, node = MACHINES["tiny-4x4"], node_of(conv)
    kept = np.repeat([4, 1, 1, 1, 0, 4, 4, 4], 4) > np.tile(range(4), 8)
    layer = dataclasses.replace(node.layer, weight=np.where(kept[:, None], node.layer.weight, np.int8(0)))
    node, banks = dataclasses.replace(node, layer=layer), Banks.of(32, machine)
    tiles = node_tiles(node, banks, machine)
    (sparse, full) = sorted(tiles.columns[0], key=lambda tile: tile.statistics.beat)
    assert (sparse.statistics.beat, full.statistics.beat) == (1, 4)
    second = tiles.cells[sparse.number]
    assert (second[0], (second[1:] != NONE).all()) == (NONE, True)
    assert np.array_equal(gathered(node, banks, tiles, machine), tap_weights(node))


def test_parameters_lie_channel_by_channel() -> None:
    builder = Builder((8, 4, 4), np.random.default_rng(0))
    trunk = builder.convolution(10, (1, 1))
    builder.convolution(10, (1, 1), residual=trunk)
    machine, node = MACHINES["tiny-4x4"], builder.nodes[1]
    data = parameter_data(node, machine).reshape(3, PARAMETER_PITCH * machine.vector)
    layer = node.layer
    assert layer.multiplier is not None
    assert layer.shift is not None
    assert node.residual_multiplier is not None
    for channel in range(10):
        block, at = divmod(channel, 4)
        words = [data[block, 16 * part : 16 * part + 16].view("<i4")[at] for part in range(3)]
        assert words == [layer.bias[channel], layer.multiplier[channel], node.residual_multiplier[channel]]
        assert data[block, 48 + at] == layer.shift[channel]
