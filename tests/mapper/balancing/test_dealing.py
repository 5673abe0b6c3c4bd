"""Things dealt out to rows: against all orders of a few, and evenly for many."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from skipbeat_arch.arrays import FloatArray, Indices
from skipbeat_mapper.balancing.dealing import deal


def unevenness(features: FloatArray, rows: Indices) -> float:
    """The sum of the squared sums of the rows."""
    return float(sum((features[rows == row].sum(axis=0) ** 2).sum() for row in range(int(rows.max()) + 1)))


@pytest.mark.parametrize("seed", range(8))
def test_no_swap_is_left_that_would_help(seed: int) -> None:
    rng = np.random.default_rng(seed)
    features, rows = rng.integers(0, 3, (7, 3)).astype(float), np.arange(7) % 3
    order = deal(features, rows)
    assert sorted(order.tolist()) == list(range(7))
    found = unevenness(features[order], rows)
    assert found <= unevenness(features, rows)
    for first, second in itertools.combinations(range(7), 2):
        other = order.copy()
        other[[first, second]] = other[[second, first]]
        assert unevenness(features[other], rows) >= found - 1e-9


def test_kinds_stay_in_their_places() -> None:
    features = np.arange(8.0)[:, None]
    kinds = np.array([0, 0, 1, 1, 1, 1, 2, 3])
    order = deal(features, np.arange(8) % 4, kinds)
    assert (kinds[order] == kinds).all()


def test_rows_get_as_much_as_one_another() -> None:
    features = np.random.default_rng(0).integers(0, 4, (96, 2)).astype(float)
    rows = np.sort(np.arange(96) % 8)
    order = deal(features, rows)
    sums = np.array([features[order][rows == row].sum(axis=0) for row in range(8)])
    assert (np.ptp(sums, axis=0) <= 2).all()
    assert np.array_equal(order, deal(features, rows))


def test_equal_things_stay() -> None:
    assert deal(np.ones((5, 2)), np.arange(5)).tolist() == [0, 1, 2, 3, 4]
