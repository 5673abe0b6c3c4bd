"""Masks from a seed: they fulfil their pattern exactly, are uniform, and differ only with the seed."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch.errors import InputError
from skipbeat_arch.pattern import Pattern
from skipbeat_models.pruners.block import BLOCK
from skipbeat_models.synthetic import synthetic_mask

SEED = st.integers(0, 2**31)


@given(st.integers(2, 40), st.integers(1, 40), st.integers(1, 90), st.integers(1, 5), SEED)
def test_every_group_has_exactly_n(m: int, n: int, rows: int, cols: int, seed: int) -> None:
    pattern = Pattern.parse(f"{min(n, m)}:{m}")
    mask = synthetic_mask((rows, cols), pattern, seed)
    for start in range(0, rows, m):
        expected = min(pattern.n, rows - start)
        assert mask[start : start + m].sum(axis=0).tolist() == [expected] * cols


def test_all_choices_of_a_group_are_equally_likely() -> None:
    groups = synthetic_mask((4 * 3000, 8), Pattern.parse("2:4"), 5).reshape(3000, 4, 8)
    counts = [int(groups[:, list(pair)].all(axis=1).sum()) for pair in combinations(range(4), 2)]
    assert sum(counts) == 24_000
    assert max(abs(count - 4000) for count in counts) < 5 * 58  # five standard deviations


@pytest.mark.parametrize("density", [0, 1e-7, 0.013, 0.5, 0.99, 1])
def test_densities_are_exact(density: float) -> None:
    shape = (1300, 1100)  # more than is drawn at a time
    mask = synthetic_mask(shape, Pattern("unstructured", density=density), 2)
    assert int(mask.sum()) == (max(1, round(density * mask.size)) if density else 0)


def test_blocks_are_whole() -> None:
    mask = synthetic_mask((200, 50), Pattern.parse("block:0.25"), 3)
    blocks = [mask[i : i + BLOCK[0], j : j + BLOCK[1]] for i in range(0, 200, BLOCK[0]) for j in range(0, 50, BLOCK[1])]
    assert all(bool(block.all()) or not bool(block.any()) for block in blocks)
    assert sum(bool(block.any()) for block in blocks) == 4


@pytest.mark.parametrize("text", ["dense", "2:4", "9:24", "unstructured:0.4", "block:0.5"])
def test_the_seed_decides(text: str) -> None:
    pattern = Pattern.parse(text)
    first, again, other = (synthetic_mask((3, 129, 20), pattern, seed) for seed in (1, 1, 2))
    assert (first.shape, first.dtype.name) == ((3, 129, 20), "bool")
    np.testing.assert_array_equal(first, again)
    assert np.array_equal(first, other) == (text == "dense")


@pytest.mark.parametrize("shape", [(4,), (0, 4), (1, 2, 3, 4)])
def test_impossible_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="expected 2 or 3 dimensions"):
        synthetic_mask(shape, Pattern.parse("2:4"), 0)
