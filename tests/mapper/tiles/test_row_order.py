"""Rows take their fullest cells first: never more steps, and no cell lost."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from skipbeat_arch.arrays import Bytes, Int32Array
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_mapper.placing.banks import Banks
from skipbeat_mapper.tiles.row_order import NONE, beats, plain_order, planes_needed, sorted_order, steps, taken


def slots_of(b: Bytes) -> Bytes:
    """Slots of cells whose b is given."""
    return (np.arange(4) < b[..., None]).astype(np.uint8)


def beats_of(b: Bytes, cells: Int32Array) -> Bytes:
    """b of the cells that rows take."""
    return beats(taken(slots_of(b), cells))


@pytest.mark.parametrize(("channels", "taps"), [(4, 1), (8, 3), (16, 2), (40, 1), (30, 9)])
@pytest.mark.parametrize("seed", range(3))
def test_every_cell_with_weights_is_taken_once_by_a_row_of_its_channels(channels: int, taps: int, seed: int) -> None:
    banks = Banks.of(channels, Machine.of(load_hardware("tiny-4x4")))
    tiles = len(banks.cell_taps(taps))
    b = np.random.default_rng(seed).integers(0, 5, (tiles, 3, banks.rows), np.uint8)
    cells = sorted_order(b, banks)
    for column in range(3):
        rows = np.broadcast_to(np.arange(banks.rows), cells[:, column].shape)[cells[:, column] != NONE]
        found = cells[:, column][cells[:, column] != NONE]
        assert sorted(found.tolist()) == np.flatnonzero(b[:, column].ravel()).tolist()
        assert (found % banks.period == rows % banks.period).all()
    assert steps(beats_of(b, cells)) <= steps(b)


@pytest.mark.parametrize(("channels", "tiles"), [(4, 2), (8, 3), (64, 4)])
@pytest.mark.parametrize("seed", range(4))
def test_no_order_of_the_cells_takes_fewer_steps(channels: int, tiles: int, seed: int) -> None:
    banks = Banks.of(channels, Machine.of(load_hardware("tiny-4x4")))
    b = np.random.default_rng(seed).integers(0, 4, (tiles, 1, banks.rows), np.uint8)
    b[:, 0, np.arange(banks.rows) % banks.period >= 2] = 0  # two lanes of banks are enough to try
    chosen = []
    for lane in range(min(banks.period, 2)):
        orders = set(itertools.permutations(b[:, 0, lane :: banks.period].ravel().tolist()))
        chosen.append({tuple(map(max, np.array(order).reshape(tiles, -1).tolist())) for order in orders})
    least = min(sum(map(max, zip(*parts, strict=True))) for parts in itertools.product(*chosen))
    assert steps(beats_of(b, sorted_order(b, banks))) == least


def test_equal_cells_keep_their_plain_order_within_planes() -> None:
    banks = Banks.of(64, Machine.of(load_hardware("tiny-4x4")))
    b = np.full((4, 2, 4), 2, np.uint8)
    assert np.array_equal(sorted_order(b, banks), plain_order(4, 2, 4))


def test_the_planes_that_a_tile_waits_for() -> None:
    banks = Banks.of(32, Machine.of(load_hardware("tiny-4x4")))
    cells = np.array([[[0, 5, NONE, 3]], [[4, 1, NONE, NONE]], [[NONE] * 4]], np.int32)
    assert planes_needed(cells, banks).ravel().tolist() == [1, 1, -1]
