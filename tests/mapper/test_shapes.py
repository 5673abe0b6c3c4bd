from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from skipbeat_arch.hardware import Hardware
from skipbeat_arch.tile import pack_tile
from skipbeat_mapper.core_compiler.shapes import ShapeTable


@settings(max_examples=100, deadline=None)
@given(
    rows=st.integers(1, 8),
    cols=st.integers(1, 8),
    group=st.sampled_from((4, 8, 16, 32)),
    density=st.floats(0, 1),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_shape_is_the_packed_tile_without_its_words(
    make_hw: Callable[..., Hardware], rows: int, cols: int, group: int, density: float, seed: int
) -> None:
    hw = make_hw(8, 8, group)
    rng = np.random.default_rng(seed)
    weights = (rng.integers(1, 128, (rows, group, cols)) * (rng.random((rows, group, cols)) < density)).astype(np.int8)
    weights[-1, 0, 0] = 1
    counts = np.zeros((1, 8, cols), np.uint8)
    counts[0, :rows] = np.count_nonzero(weights, axis=1)
    (shape,) = ShapeTable(hw).shapes(counts, np.array([rows]))
    packed = pack_tile(weights, hw)
    for member in ("encoding", "beat", "rows", "cols", "value_bits", "metadata_bits", "nonzeros"):
        assert getattr(shape, member) == getattr(packed, member), member
    assert shape.words.shape == packed.words.shape
    np.testing.assert_array_equal(shape.slots, packed.slots)


def test_equal_tiles_share_a_shape(make_hw: Callable[..., Hardware]) -> None:
    counts = np.full((3, 4, 4), 2, np.uint8)
    counts[2, 0, 0] = 1
    one, two, three = ShapeTable(make_hw(4, 4, 4)).shapes(counts, np.array([4, 4, 4]))
    assert one is two
    assert one is not three
