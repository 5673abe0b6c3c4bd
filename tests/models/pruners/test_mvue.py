"""MVUE: unbiased, by all outcomes and by many draws, and no better scheme of one element exists."""

from __future__ import annotations

import pytest
import torch

from skipbeat_arch.errors import InputError
from skipbeat_arch.pattern import Pattern
from skipbeat_models.pruners.mvue import inclusion_of_two, keep_unbiased

DRAWS = 40_000


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("text", ["1:2", "1:4", "1:8", "2:4"])
def test_the_mean_is_the_gradient(text: str) -> None:
    pattern = Pattern.parse(text)
    gradient = torch.randn(2 * pattern.m + 1, generator=generator(1), dtype=torch.float64)
    gradient[1] = 0
    many = gradient[:, None].expand(-1, DRAWS)
    kept = keep_unbiased(many, pattern, generator(2))
    error = (kept.mean(dim=1) - gradient).abs()
    assert bool((error <= 4 * kept.std(dim=1) / DRAWS**0.5 + 1e-12).all())
    nonzero = (kept[: 2 * pattern.m] != 0).reshape(2, pattern.m, DRAWS).sum(dim=1)
    assert bool((nonzero == pattern.n).all())
    assert torch.equal(kept[-1], many[-1]), "what is alone in its group is kept as it is"


def test_one_of_q_is_the_sum_with_a_sign_and_in_proportion() -> None:
    group = torch.tensor([3.0, -1.0, 0.0, -4.0])
    kept = keep_unbiased(group[:, None].expand(-1, DRAWS), Pattern.parse("1:4"), generator(3))
    assert set(kept.flatten().tolist()) == {-8.0, 0.0, 8.0}
    shares = (kept != 0).double().mean(dim=1)
    torch.testing.assert_close(shares, torch.tensor([3, 1, 0, 4]).double() / 8, atol=0.01, rtol=0)


def test_its_variance_is_the_least_of_one_element() -> None:
    """Of all p with sum 1, Σ a² / p is least for p = |a| / S, where it is S² (Cauchy and Schwarz)."""
    group = torch.randn(4, generator=generator(4), dtype=torch.float64).abs()
    least = group.sum() ** 2
    torch.testing.assert_close((group**2 / (group / group.sum())).sum(), least)
    for others in torch.rand(100, 4, generator=generator(5), dtype=torch.float64):
        assert (group**2 / (others / others.sum())).sum() >= least


def test_two_of_four_are_included_as_all_ordered_pairs_say() -> None:
    group = torch.tensor([3.0, 1.0, 0.5, 4.0], dtype=torch.float64)
    share, total = torch.zeros(4, dtype=torch.float64), float(group.sum())
    for i in range(4):
        for j in range(4):
            if i != j:
                pair = float(group[i]) / total * float(group[j]) / (total - float(group[i]))
                share[i] += pair
                share[j] += pair
    torch.testing.assert_close(inclusion_of_two(group), share)
    assert float(share.sum()) == pytest.approx(2)


def test_zeros_stay_zeros_and_one_value_alone_stays_itself() -> None:
    assert not keep_unbiased(torch.zeros(8, 3), Pattern.parse("2:4"), generator(6)).any()
    alone = torch.tensor([0.0, 0.0, 5.0, 0.0])
    for text in ("1:4", "2:4"):
        assert torch.equal(keep_unbiased(alone, Pattern.parse(text), generator(7)), alone)


def test_other_patterns_are_refused() -> None:
    with pytest.raises(InputError, match="pattern 2:8: gradients are pruned without bias to 1:q or 2:4"):
        keep_unbiased(torch.ones(8), Pattern.parse("2:8"), generator(8))
