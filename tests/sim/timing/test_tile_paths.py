"""What the timing model keeps of a tile, against a walk over its slots."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.tile import PackedTile
from skipbeat_sim.timing.load_timing import SLOTS_AHEAD, DecoderSizes, row_responses
from skipbeat_sim.timing.tile_paths import RING, tile_paths
from skipbeat_verify.core_passes import small_hardware
from tests.sim.timing.core_timing_cases import random_tile_of, tile_of_counts

HW = small_hardware(6, 4, 8, 2)


def used_up(tile: PackedTile, width: int) -> list[tuple[int, int]]:
    """(row, slot) that takes the last value of each value word, walking slot by slot."""
    places: list[tuple[int, int]] = []
    stored = 0
    for row, counts in enumerate(tile.slots.tolist()):
        for slot, count in enumerate(counts):
            stored += count
            places += [(row, slot)] * (stored // width - len(places))
    return places + [(tile.rows - 1, tile.beat - 1)] * (stored % width > 0)


@pytest.mark.parametrize("seed", range(30))
def test_words_are_used_up_where_a_walk_finds_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tiles = [random_tile_of(rng, HW) for _ in range(6)]
    for tile, path in zip(tiles, tile_paths(tiles, HW), strict=True):
        places = used_up(tile, HW.array.cols)
        assert (path.value_words, path.metadata_words) == (len(places), len(tile.words) - len(places))
        metadata = tile.metadata_bits // (tile.rows * HW.array.cols)
        value_row = int(np.flatnonzero(tile.slots.sum(axis=1))[0])
        table = row_responses(DecoderSizes.of(HW), metadata, tile.beat, value_row).fired
        assert path.frees == [(table[row] + slot).tolist() for row, slot in places[-(RING + 1) :]]
        slots = [(row, slot) for row in range(tile.rows) for slot in range(tile.beat)]
        assert path.fires == [(table[row] + slot).tolist() for row, slot in slots[-SLOTS_AHEAD:]]


def test_a_tile_that_comes_again_is_the_same_path() -> None:
    tile = tile_of_counts(np.array([[1, 2]]), HW, np.random.default_rng(0))
    first, second, third = tile_paths([tile, tile_of_counts(np.array([[3]]), HW, np.random.default_rng(0)), tile], HW)
    assert first is third
    assert first != second
    assert tile_paths([], HW) == []
