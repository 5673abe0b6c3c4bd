"""The compressed-weight format: nothing is lost, the smallest encoding wins, contradictions are refused."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch.arrays import Int8Array
from skipbeat_arch.command import Command, Encoding
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import Hardware, load_hardware
from skipbeat_arch.tile import PackedTile, legal_encodings, pack_tile, stored_columns, tile_beat, unpack_tile

GROUPS = (4, 8, 16, 32)
DENSE_AND_SPARSE = (1, *GROUPS)


def array(rows: int, cols: int, group: int, weight_bits: int = 8) -> Hardware:
    sizes = f"array={{rows: {rows}, cols: {cols}, group: {group}}}"
    return load_hardware("tiny-4x4", [sizes, "weights.decode_lanes=1", f"numbers.weight_bits={weight_bits}"])


def sparse(seed: int, rows: int, group: int, cols: int, n: int, weight_bits: int = 8) -> Int8Array:
    """Weights [rows, M, cols] with exactly `n` nonzeros in each group."""
    rng = np.random.default_rng(seed)
    keep = rng.random((rows, group, cols)).argsort(axis=1) < n
    high = 1 << (weight_bits - 1)
    magnitude = rng.integers(1, high, (rows, group, cols))
    signed = np.where(rng.random(magnitude.shape) < 0.5, -magnitude, magnitude)
    return np.where(keep, signed, 0).astype(np.int8)


@st.composite
def tiles(draw: st.DrawFn) -> tuple[Int8Array, Hardware]:
    """A tile with arbitrary zeros and extremes on an array that it need not fill."""
    group, bits = draw(st.sampled_from(DENSE_AND_SPARSE)), draw(st.integers(2, 8))
    hw = array(draw(st.integers(1, 5)), draw(st.integers(1, 6)), group, bits)
    rows, cols = draw(st.integers(1, hw.array.rows)), draw(st.integers(1, hw.array.cols))
    seed, density = draw(st.integers(0, 2**32 - 1)), draw(st.sampled_from([0.02, 0.1, 0.3, 0.6, 0.95, 1.0]))
    rng = np.random.default_rng(seed)
    half = 1 << (hw.numbers.weight_bits - 1)
    shape = (rows, hw.array.group, cols)
    values = np.where(rng.random(shape) < 0.2, rng.choice([-half, half - 1], shape), rng.integers(-half, half, shape))
    weights = np.where(rng.random(shape) < density, values, 0).astype(np.int8)
    if not weights.any():
        weights[-1, -1, -1] = -half
    return weights, hw


@given(tiles())
def test_what_is_packed_is_what_is_unpacked(case: tuple[Int8Array, Hardware]) -> None:
    weights, hw = case
    for encoding in legal_encodings(tile_beat(weights), hw):
        tile = pack_tile(weights, hw, encoding)
        assert tile.encoding is encoding
        np.testing.assert_array_equal(unpack_tile(tile, hw), weights, strict=True)


@given(tiles())
def test_a_tile_describes_itself(case: tuple[Int8Array, Hardware]) -> None:
    weights, hw = case
    beat = max(
        int(np.count_nonzero(weights[r, :, c])) for r in range(weights.shape[0]) for c in range(weights.shape[2])
    )
    tile = pack_tile(weights, hw)
    assert (tile.beat, tile.rows, tile.cols) == (beat, weights.shape[0], weights.shape[2])
    assert tile.words.dtype == np.uint8
    assert tile.words.shape[1] == -(-hw.word_bits // 8)
    words = -(-tile.metadata_bits // hw.word_bits) + -(-tile.value_bits // hw.word_bits)
    assert len(tile.words) == words
    assert tile.slots.shape == (tile.rows, tile.beat)
    assert tile.slots.sum() * hw.numbers.weight_bits == tile.value_bits
    assert tile.slots.max() <= stored_columns(tile.cols, hw)


@given(tiles())
def test_the_packer_takes_the_encoding_with_the_fewest_words(case: tuple[Int8Array, Hardware]) -> None:
    weights, hw = case
    sizes = [len(pack_tile(weights, hw, e).words) for e in legal_encodings(tile_beat(weights), hw)]
    assert len(pack_tile(weights, hw).words) == min(sizes)


@pytest.mark.parametrize(
    ("n", "group", "smallest"),
    [
        (4, 8, Encoding.BITMAP),
        (4, 16, Encoding.BITMAP),
        (3, 4, Encoding.BITMAP),
        (8, 16, Encoding.BITMAP),
        (1, 4, Encoding.COORDINATE),
        (2, 8, Encoding.COORDINATE),
        (2, 16, Encoding.COORDINATE),
        (1, 8, Encoding.COORDINATE),
        (4, 32, Encoding.COORDINATE),
        (4, 4, Encoding.DENSE),
        (8, 8, Encoding.DENSE),
        (32, 32, Encoding.DENSE),
    ],
)
def test_the_smallest_encoding_of_full_patterns(n: int, group: int, smallest: Encoding) -> None:
    hw = array(16, 16, group)
    assert pack_tile(sparse(1, 16, group, 16, n), hw).encoding is smallest


@pytest.mark.parametrize("group", GROUPS)
def test_bitmap_is_smaller_when_density_is_above_one_over_log2_m(group: int) -> None:
    hw = array(8, 8, group)
    for n in range(1, group):
        weights = sparse(n, 8, group, 8, n)
        bitmap = pack_tile(weights, hw, Encoding.BITMAP)
        limit = 1 / math.log2(group)
        if n / group > limit:
            assert Encoding.COORDINATE not in legal_encodings(n, hw)
            assert bitmap.metadata_bits < 8 * 8 * n * math.log2(group)
        else:
            coordinate = pack_tile(weights, hw, Encoding.COORDINATE)
            assert coordinate.value_bits == bitmap.value_bits
            assert (coordinate.metadata_bits < bitmap.metadata_bits) == (n / group < limit)
            assert (coordinate.metadata_bits == bitmap.metadata_bits) == (n / group == limit)


def test_a_bitmap_stores_no_value_for_a_slot_that_is_empty() -> None:
    hw, weights = array(2, 2, 4), np.zeros((2, 4, 2), np.int8)
    weights[0, :2, 0], weights[1, 3, 1] = (5, 6), 7
    tile = pack_tile(weights, hw, Encoding.BITMAP)
    assert tile.value_bits == 3 * 8
    assert tile.slots.tolist() == [[1, 1], [1, 0]]
    assert pack_tile(weights, hw, Encoding.COORDINATE).value_bits == 2 * 2 * 2 * 8


def test_bytes_of_a_small_tile_in_each_encoding() -> None:
    """The stream, written out by hand from the format's description."""
    hw, weights = array(2, 2, 4), np.zeros((2, 4, 2), np.int8)
    weights[0, 1, 0], weights[0, 3, 0] = 10, 11  # row 0, column 0: positions 1 and 3
    weights[0, 0, 1], weights[0, 2, 1] = 12, 13  # row 0, column 1: positions 0 and 2
    weights[1, 2, 0], weights[1, 3, 1] = -1, -128  # row 1: one nonzero in each column
    bitmap = pack_tile(weights, hw, Encoding.BITMAP)
    assert bitmap.words.tolist() == [[0b0101_1010, 0b1000_0100], [10, 12], [11, 13], [255, 128]]
    coordinate = pack_tile(weights, hw, Encoding.COORDINATE)
    assert coordinate.words.tolist() == [[0b10_00_11_01, 0b11_00_10_00], [10, 12], [11, 13], [0, 0], [255, 128]]
    dense = pack_tile(np.arange(1, 17, dtype=np.int8).reshape(2, 4, 2), hw, Encoding.DENSE)
    assert dense.words.tolist() == [[1, 2], [3, 4], [5, 6], [7, 8], [9, 10], [11, 12], [13, 14], [15, 16]]


def test_a_partial_tile_leaves_the_other_columns_of_the_metadata_zero() -> None:
    hw, weights = array(2, 4, 4), np.zeros((1, 4, 1), np.int8)
    weights[0, 2, 0] = 9
    assert pack_tile(weights, hw, Encoding.BITMAP).words.tolist() == [[0b0100, 0, 0, 0], [9, 0, 0, 0]]


def test_the_command_that_loads_a_tile() -> None:
    hw = array(4, 4, 8)
    tile = pack_tile(sparse(3, 3, 8, 2, 2), hw, Encoding.COORDINATE)
    assert tile.command(17, first=True, last=False) == Command(
        pixels=17, beat=2, rows=3, cols=2, encoding=Encoding.COORDINATE, load=True, first=True, last=False
    )


def test_beat_of_no_weights_is_zero() -> None:
    assert tile_beat(np.zeros((2, 4, 3), np.int8)) == 0


@pytest.mark.parametrize("shape", [(5, 4, 4), (4, 4, 5), (4, 8, 4), (0, 4, 4), (4, 4, 0)])
def test_a_shape_that_the_array_does_not_have(shape: tuple[int, int, int]) -> None:
    with pytest.raises(InputError, match="does not fit tiny-4x4"):
        pack_tile(np.ones(shape, np.int8), array(4, 4, 4))


@pytest.mark.parametrize("value", [8, -9])
def test_a_value_that_the_width_cannot_hold(value: int) -> None:
    with pytest.raises(InputError, match=r"weights must be in -8\.\.7"):
        pack_tile(np.full((1, 4, 1), value, np.int8), array(4, 4, 4, weight_bits=4))


def test_a_tile_without_a_nonzero_is_not_packed() -> None:
    with pytest.raises(InputError, match="no nonzero weight"):
        pack_tile(np.zeros((1, 4, 1), np.int8), array(4, 4, 4))


def test_an_encoding_that_cannot_hold_the_tile() -> None:
    hw = array(4, 4, 8)
    with pytest.raises(InputError, match="dense cannot hold b = 2 at M = 8"):
        pack_tile(sparse(1, 4, 8, 4, 2), hw, Encoding.DENSE)
    with pytest.raises(InputError, match="coordinate cannot hold b = 3 at M = 8"):
        pack_tile(sparse(1, 4, 8, 4, 3), hw, Encoding.COORDINATE)


HW = array(4, 4, 8)
TWO_OF_EIGHT = sparse(5, 4, 8, 4, 2)


def packed(encoding: Encoding) -> PackedTile:
    return pack_tile(TWO_OF_EIGHT, HW, encoding)


@pytest.mark.parametrize("encoding", [Encoding.BITMAP, Encoding.COORDINATE])
def test_a_truncated_or_overlong_tile_is_refused(encoding: Encoding) -> None:
    tile = packed(encoding)
    for words in range(len(tile.words)):
        with pytest.raises(InputError, match="words"):
            unpack_tile(replace(tile, words=tile.words[:words]), HW)
    overlong = np.concatenate([tile.words, np.zeros_like(tile.words[:1])])
    with pytest.raises(InputError, match="asks for another number"):
        unpack_tile(replace(tile, words=overlong), HW)


def test_a_bitmap_with_more_nonzeros_than_b_is_refused() -> None:
    tile = packed(Encoding.BITMAP)
    words = tile.words.copy()
    words[0, 0] = 0b0000_0111
    with pytest.raises(InputError, match="a group has 3 nonzeros, more than b = 2"):
        unpack_tile(replace(tile, words=words), HW)


def test_a_bitmap_with_another_number_of_nonzeros_asks_for_other_words() -> None:
    tile = packed(Encoding.BITMAP)
    words = tile.words.copy()
    words[0] = 0
    with pytest.raises(InputError, match="asks for another number"):
        unpack_tile(replace(tile, words=words), HW)


@pytest.mark.parametrize("pair", [0b011_011, 0b001_100])
def test_coordinates_that_do_not_ascend_are_refused(pair: int) -> None:
    tile = packed(Encoding.COORDINATE)
    words = tile.words.copy()
    words[0, 0] = (int(words[0, 0]) & 0b1100_0000) | pair
    with pytest.raises(InputError, match="coordinates are not ascending"):
        unpack_tile(replace(tile, words=words), HW)
