"""Blocks: their scores by hand, and masks that keep whole blocks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch.pattern import Pattern
from skipbeat_models.masks import prune_mask
from skipbeat_models.pruners.block import block_counts, block_scores, expand_blocks


def test_scores_are_mean_squares() -> None:
    matrix = np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])
    expected = [[(1 + 4 + 16 + 25) / 4, (9 + 36) / 2], [(49 + 64) / 2, 81]]
    np.testing.assert_allclose(block_scores(matrix, (2, 2)), expected)


@given(
    st.floats(0, 1), st.integers(0, 2**31), st.integers(1, 40), st.integers(1, 6), st.integers(1, 9), st.integers(1, 3)
)
def test_block_keeps_whole_blocks(density: float, seed: int, rows: int, cols: int, down: int, across: int) -> None:
    values = np.random.default_rng(seed).standard_normal((rows, cols))
    mask = prune_mask(values, Pattern("block", density=density), block=(down, across))
    means: dict[bool, list[float]] = {True: [], False: []}
    for i in range(0, rows, down):
        for j in range(0, cols, across):
            part = mask[i : i + down, j : j + across]
            assert bool(part.all()) or not bool(part.any())
            means[bool(part.all())].append(float(np.square(values[i : i + down, j : j + across]).mean()))
    count = len(means[True]) + len(means[False])
    assert len(means[True]) == (max(1, round(density * count)) if density > 0 else 0)
    if means[True] and means[False]:
        assert min(means[True]) >= max(means[False]) * (1 - 1e-9)


@pytest.mark.parametrize(("shape", "counts"), [((64, 16), (1, 1)), ((65, 17), (2, 2)), ((3, 40), (1, 3))])
def test_the_last_blocks_are_smaller(shape: tuple[int, int], counts: tuple[int, int]) -> None:
    assert block_counts(shape, (64, 16)) == counts
    assert expand_blocks(np.ones(counts, np.bool_), shape, (64, 16)).shape == shape
