"""Transposable masks: 90 patterns, both directions, and the best by looking at all."""

from __future__ import annotations

from itertools import product

import pytest
import torch

from skipbeat_arch.errors import InputError
from skipbeat_models.pruners.transposable import patterns, transposable_mask


def test_there_are_ninety_patterns() -> None:
    assert patterns().shape == (90, 4, 4)
    assert len({tuple(pattern.flatten().tolist()) for pattern in patterns()}) == 90
    assert bool((patterns().sum(dim=1) == 2).all() and (patterns().sum(dim=2) == 2).all())


def test_the_mask_is_two_of_four_in_both_directions_and_the_best() -> None:
    weight = torch.randn(8, 12, generator=torch.Generator().manual_seed(1))
    mask = transposable_mask(weight)
    assert bool((mask.reshape(8, 3, 4).sum(dim=2) == 2).all())
    assert bool((mask.t().reshape(12, 2, 4).sum(dim=2) == 2).all())
    for row, column in product(range(0, 8, 4), range(0, 12, 4)):
        at = slice(row, row + 4), slice(column, column + 4)
        best = max(float((weight[at].abs() * pattern).sum()) for pattern in patterns())
        assert float((weight * mask)[at].abs().sum()) == pytest.approx(best)


def test_ragged_weights_are_refused() -> None:
    with pytest.raises(InputError, match=r"weight of shape \(6, 8\): expected a matrix whose sides are multiples of 4"):
        transposable_mask(torch.ones(6, 8))
