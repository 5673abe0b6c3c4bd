"""Packed rows against the packing of tiles, and what a decoder reads of them."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.arrays import BoolArray, Int8Array
from skipbeat_arch.command import Encoding
from skipbeat_arch.tile import PackedTile, pack_tile, unpack_tile
from skipbeat_arch.training.packing import packed
from skipbeat_arch.training.selecting import select_ranked, select_unbiased
from skipbeat_verify.core_passes import small_hardware

SIZES = [(2, 8, 8), (3, 16, 8), (2, 16, 16), (2, 32, 16)]


def _selected(rows: int, width: int, group: int, q: int, *, zeros: bool) -> tuple[Int8Array, BoolArray]:
    vectors = np.random.default_rng(rows + width).integers(-127, 128, (rows * group, width)).astype(np.int8)
    # Sums of large magnitudes never become 0.
    vectors[np.abs(vectors) < 64] = 0 if zeros else 64
    return select_unbiased(vectors, group, q, 11, along_time=True)


def _words(
    blocks: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], group: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """A tile of rows: all bitmaps, then all values."""
    first = group // 8
    width = blocks.shape[2]
    return np.concatenate([blocks[:, :first].reshape(-1, width), blocks[:, first:].reshape(-1, width)])


@pytest.mark.parametrize("q", [2, 4])
@pytest.mark.parametrize(("rows", "width", "group"), SIZES)
def test_rows_are_those_of_a_tile_as_it_is_packed(rows: int, width: int, group: int, q: int) -> None:
    values, kept = _selected(rows, width, group, q, zeros=False)
    assert np.array_equal(values != 0, kept)
    blocks = packed(values, kept, group, group // q)
    hw = small_hardware(rows, width, group)
    tile = pack_tile(values.reshape(rows, group, width), hw, Encoding.BITMAP)
    assert np.array_equal(_words(blocks, group), tile.words)


@pytest.mark.parametrize("q", [2, 4])
@pytest.mark.parametrize(("rows", "width", "group"), SIZES)
def test_a_decoder_reads_what_was_kept_zeros_included(rows: int, width: int, group: int, q: int) -> None:
    values, kept = _selected(rows, width, group, q, zeros=True)
    assert (kept & (values == 0)).any()
    words = _words(packed(values, kept, group, group // q), group)
    hw, n = small_hardware(rows, width, group), group // q
    tile = PackedTile(
        words=words,
        encoding=Encoding.BITMAP,
        beat=n,
        rows=rows,
        cols=width,
        value_bits=values.size * 8 // q,
        metadata_bits=values.size,
        nonzeros=int(np.count_nonzero(values)),
        slots=np.full((rows, n), width),
    )
    assert np.array_equal(unpack_tile(tile, hw), values.reshape(rows, group, width))


def test_a_dense_tile_is_its_vectors_as_they_lie() -> None:
    """So a dY that is kept whole needs no packing."""
    vectors = np.random.default_rng(3).integers(-127, 128, (2 * 8, 16)).astype(np.int8)
    tile = pack_tile(vectors.reshape(2, 8, 16), small_hardware(2, 16, 8), Encoding.DENSE)
    assert np.array_equal(tile.words, vectors.view(np.uint8))


def test_slots_hold_what_is_kept_in_its_order() -> None:
    vectors = np.random.default_rng(2).integers(-127, 128, (16, 8)).astype(np.int8)
    values, kept = select_ranked(vectors, 8, 3, along_time=True)
    blocks = packed(values, kept, 8, 3)
    for block in range(2):
        for column in range(8):
            places = np.flatnonzero(kept[block * 8 : block * 8 + 8, column])
            assert blocks[block, 0, column] == sum(1 << int(place) for place in places)
            for slot, place in enumerate(places):
                assert blocks[block, 1 + slot, column] == int(vectors[block * 8 + place, column]) & 255


def test_what_has_no_place_and_slots_without_elements() -> None:
    values = np.arange(1, 65, dtype=np.int8).reshape(8, 8)
    kept = np.zeros((8, 8), np.bool_)
    kept[[1, 4, 6], 2] = True
    two, four = packed(values, kept, 8, 2)[0], packed(values, kept, 8, 4)[0]
    assert two[0].tolist() == four[0].tolist() == [0, 0, 0b1010010, 0, 0, 0, 0, 0]
    assert two[1:, 2].tolist() == [values[1, 2], values[4, 2]]
    assert four[1:, 2].tolist() == [values[1, 2], values[4, 2], values[6, 2], 0]
    assert packed(values, kept, 8, 0).shape == (1, 1, 8)


def test_wants_whole_blocks_and_bytes_of_bitmap() -> None:
    with pytest.raises(ValueError, match="multiple of 8, not 4"):
        packed(np.zeros((4, 8), np.int8), np.zeros((4, 8), np.bool_), 4, 2)
    with pytest.raises(ValueError, match="multiples of 8, not 12"):
        packed(np.zeros((12, 8), np.int8), np.zeros((12, 8), np.bool_), 8, 2)
