"""Ranks against a stable sort, for every group of small numbers."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from skipbeat_arch.training.ranks import kept_by_rank, ranks


def test_every_group_of_four_small_numbers() -> None:
    groups = np.array(list(product((-128, -127, -2, -1, 0, 1, 2, 127), repeat=4)), np.int8)
    size = np.minimum(np.abs(groups.astype(int)), 127)
    order = np.argsort(-size, axis=-1, kind="stable")
    assert np.array_equal(np.take_along_axis(ranks(groups), order, axis=-1), np.tile(np.arange(4), (len(groups), 1)))


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_always_exactly_n(n: int) -> None:
    groups = np.random.default_rng(3).integers(-3, 4, (2000, 8)).astype(np.int8)
    kept = kept_by_rank(groups, n)
    assert (kept.sum(axis=-1) == n).all()
    size = np.abs(groups)
    assert (np.where(kept, size, 127).min(axis=-1) >= np.where(kept, 0, size).max(axis=-1)).all()


def test_n_above_m_is_refused() -> None:
    for n in (0, 5):
        with pytest.raises(ValueError, match=rf"in 1\.\.4, not {n}"):
            kept_by_rank(np.zeros((1, 4), np.int8), n)
