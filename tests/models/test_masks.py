"""Masks of numpy weights: exactly N per group, exact densities, and shapes of grouped weights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch.errors import InputError
from skipbeat_arch.pattern import Pattern
from skipbeat_models import masks
from skipbeat_models.masks import prune_mask

SEED = st.integers(0, 2**31)
ROWS = st.integers(1, 40)
COLS = st.integers(1, 6)


@st.composite
def nm_patterns(draw: st.DrawFn) -> Pattern:
    m = draw(st.integers(2, 40))
    return Pattern.parse(f"{draw(st.integers(1, m))}:{m}")


@given(nm_patterns(), SEED, ROWS, COLS)
def test_each_group_keeps_its_first_n_of_the_largest(pattern: Pattern, seed: int, rows: int, cols: int) -> None:
    values = np.random.default_rng(seed).integers(-3, 4, (rows, cols))  # many ties
    mask = prune_mask(values, pattern)
    for column in range(cols):
        for start in range(0, rows, pattern.m):
            group = range(start, min(start + pattern.m, rows))
            ranked = sorted(group, key=lambda row: (-abs(int(values[row, column])), row))
            assert set(np.flatnonzero(mask[:, column])) & set(group) == set(ranked[: pattern.n])


@given(st.floats(0, 1), SEED, ROWS, COLS)
def test_unstructured_keeps_the_first_of_the_largest(density: float, seed: int, rows: int, cols: int) -> None:
    values = np.random.default_rng(seed).integers(-3, 4, (rows, cols)).astype(np.float32)
    mask = prune_mask(values, Pattern("unstructured", density=density)).reshape(-1)
    ranked = sorted(range(values.size), key=lambda at: (-abs(float(values.flat[at])), at))
    count = max(1, round(density * values.size)) if density > 0 else 0
    assert set(np.flatnonzero(mask)) == set(ranked[:count])


@pytest.mark.parametrize("text", ["dense", "2:4", "3:32", "unstructured:0.3", "block:0.5"])
def test_a_grouped_weight_is_its_columns_side_by_side(text: str) -> None:
    pattern = Pattern.parse(text)
    weight = np.random.default_rng(1).standard_normal((3, 70, 20))
    mask = prune_mask(weight, pattern)
    assert (mask.shape, mask.dtype.name) == (weight.shape, "bool")
    np.testing.assert_array_equal(np.concatenate(mask, axis=1), prune_mask(np.concatenate(weight, axis=1), pattern))


def test_integers_have_their_true_magnitude() -> None:
    weight = np.array([[-128], [127], [3], [-1]], np.int8)
    assert prune_mask(weight, Pattern.parse("1:4")).ravel().tolist() == [True, False, False, False]


@pytest.mark.parametrize("weight", [np.zeros((0, 3)), np.zeros(3), np.full((2, 2), np.nan), np.full((2, 2), np.inf)])
def test_weights_that_cannot_be_pruned(weight: np.ndarray) -> None:
    with pytest.raises(InputError, match="expected a matrix of finite numbers"):
        prune_mask(weight, Pattern.parse("2:4"))


def test_it_does_not_matter_how_many_groups_are_compared_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(1).integers(-9, 10, (83, 7))
    whole = prune_mask(values, Pattern.parse("3:8"))
    monkeypatch.setattr(masks, "_CHUNK", 2 * 8 * 7)
    np.testing.assert_array_equal(prune_mask(values, Pattern.parse("3:8")), whole)
