"""The search by swaps: what it promises, its draws, and when it does not begin."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from skipbeat_mapper.balancing import swap_search as module
from skipbeat_mapper.balancing.channel_views import Inputs
from skipbeat_mapper.balancing.swap_search import swap_search

GROUP, VECTOR = 4, 8

Bytes = npt.NDArray[np.uint8]


def view(seed: int) -> tuple[Inputs, Bytes]:
    """The inputs of a layer of 32 channels and 16 outputs, and its weights uint8 [C, columns, V]."""
    weights = (np.random.default_rng(seed).random((32, 2, VECTOR)) < 0.3).astype(np.uint8)
    return Inputs(weights.swapaxes(1, 2).copy(), GROUP), weights


def sum_of_b(weights: Bytes) -> int:
    """b of every group and column tile."""
    return int(weights.reshape(-1, GROUP, 2, VECTOR).sum(axis=1).max(axis=2).sum())


@pytest.mark.parametrize("seed", range(4))
def test_the_sum_of_b_falls(seed: int) -> None:
    inputs, weights = view(seed)
    order = swap_search(32, [(inputs, 1.0)])
    assert sorted(order.tolist()) == list(range(32))
    assert sum_of_b(weights[order]) < 0.95 * sum_of_b(weights)
    assert np.array_equal(order, swap_search(32, [(view(seed)[0], 1.0)]))


def test_a_node_that_counts_more_decides() -> None:
    (first, weights), (second, _) = view(0), view(1)
    order = swap_search(32, [(first, 1.0), (second, 1e-9)])
    assert sum_of_b(weights[order]) < 0.95 * sum_of_b(weights)


def test_too_much_to_look_at_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WORK", 1000)
    assert swap_search(32, [(view(0)[0], 1.0)]).tolist() == list(range(32))
