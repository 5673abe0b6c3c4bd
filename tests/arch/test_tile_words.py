"""Many tiles at once, against one by one and against what is written down slot by slot."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from skipbeat_arch.arrays import Int8Array
from skipbeat_arch.command import Encoding
from skipbeat_arch.tile import legal_encodings, pack_tile
from skipbeat_arch.tile_words import SlotTable, TileWords

from .test_tile import array, sparse

BEAT = 3


def tiles(group: int, weight_bits: int = 8) -> Int8Array:
    """Tiles [tiles, 3, M, 5] with 1 to 3 nonzeros in a group, and with none in some."""
    found = np.stack([sparse(seed, 3, group, 5, 1 + seed % BEAT, weight_bits) for seed in range(7)])
    found[2, 1] = found[5, :, :, 3] = 0
    found[:, 0, :, 0] = 0
    found[:, 0, :BEAT, 0] = 1  # every tile has b = 3
    return found


@pytest.mark.parametrize(("group", "bits"), [(4, 8), (8, 8), (8, 5), (16, 8), (32, 3)])
def test_words_of_many_are_those_of_each(group: int, bits: int) -> None:
    weights, hw = tiles(group, bits), array(4, 6, group, bits)
    for encoding in legal_encodings(BEAT, hw):
        packed = TileWords.of(weights, BEAT, encoding, hw)
        assert packed.begins[0] == 0
        for each, (first, stop), slots in zip(weights, pairwise(packed.begins.tolist()), packed.slots, strict=True):
            alone = pack_tile(each, hw, encoding)
            assert packed.words[first:stop].tolist() == alone.words.tolist()
            assert slots.tolist() == alone.slots.tolist()


def test_dense_tiles_of_a_dense_machine_fill_their_words() -> None:
    weights, hw = np.arange(1, 25, dtype=np.int8).reshape(4, 2, 1, 3), array(2, 5, 1)
    packed = TileWords.of(weights, 1, Encoding.DENSE, hw)
    assert packed.begins.tolist() == [0, 2, 4, 6, 8]
    assert packed.words[:, :3].tolist() == weights.reshape(-1, 3).tolist()
    assert not packed.words[:, 3:].any()
    assert (packed.slots == 5).all()


@pytest.mark.parametrize("encoding", [Encoding.BITMAP, Encoding.COORDINATE])
def test_slots_hold_the_nonzeros_in_order(encoding: Encoding) -> None:
    weights = tiles(8)
    table = SlotTable.of(weights, BEAT, encoding)
    for tile, row, column in np.ndindex(table.counts.shape):
        group = weights[tile, row, :, column]
        places = np.flatnonzero(group).tolist()
        free = [place for place in range(8) if place not in places]
        if encoding == Encoding.COORDINATE:
            places = sorted(places + free[: BEAT - len(places)])
        count = int(table.counts[tile, row, column])
        assert count == len(places)
        assert table.used[tile, row, :, column].tolist() == [slot < count for slot in range(BEAT)]
        assert table.positions[tile, row, :count, column].tolist() == places
        assert table.values[tile, row, :count, column].tolist() == group[places].tolist()
