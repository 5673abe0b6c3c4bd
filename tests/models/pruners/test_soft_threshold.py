"""S-STE: the threshold that is quoted of its public code, continuity, and the scale."""

from __future__ import annotations

import pytest
import torch

from skipbeat_arch.errors import InputError
from skipbeat_arch.pattern import Pattern
from skipbeat_models.pruners.soft_threshold import frozen_scale, soft_threshold

PATTERN = Pattern.parse("2:4")


def test_the_threshold_is_the_second_smallest_of_four() -> None:
    weight = torch.tensor([[3.0, -1.0, 0.5, -4.0], [1.0, 1.0, 1.0, 1.0]])
    assert torch.equal(soft_threshold(weight, PATTERN), torch.tensor([[2.0, 0.0, 0.0, -3.0], [0.0, 0.0, 0.0, 0.0]]))
    assert torch.equal(soft_threshold(weight, Pattern.parse("4:4")), weight)


def test_it_does_not_jump_where_two_magnitudes_cross() -> None:
    before, after = (soft_threshold(torch.tensor([2.0, 1 + d, 1 - d, 0.0]), PATTERN) for d in (1e-6, -1e-6))
    torch.testing.assert_close(before, after, atol=1e-5, rtol=0)


def test_the_scale_is_the_least_squares_one() -> None:
    weight = torch.randn(6, 16, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    pruned, scale = soft_threshold(weight, PATTERN), frozen_scale(weight, PATTERN)
    assert scale > 1
    assert abs(float((pruned * (weight - scale * pruned)).sum())) < 1e-9
    assert frozen_scale(torch.ones(4), PATTERN) == 1


def test_what_it_cannot_do() -> None:
    for text, shape in (("unstructured:0.5", (4,)), ("2:4", (3, 6))):
        with pytest.raises(InputError, match="expected N:M along a last axis that is whole groups"):
            soft_threshold(torch.ones(shape), Pattern.parse(text))
