"""MVUE: gradients pruned without bias and with the least variance, for the GEMM that makes a weight's gradient.

Chmiel et al., "Minimum Variance Unbiased N:M Sparsity for the Neural Gradients", ICLR 2023 (arXiv:2203.10991). To prune
gradients by magnitude fails, because it has a bias; an element that is kept with probability p and divided by it has
none. With S the sum of the magnitudes of a group:

    1:q     p_i = |a_i| / S, so what is kept is sign(a_i) · S: no division
    2:4     two draws without replacement, each in proportion to the magnitudes that are left:
            p_i = |a_i| / S + Σ_{j≠i} (|a_j| / S) · (|a_i| / (S - |a_j|)), and what is kept is a_i / p_i

The draws of 2:4 are the approximation in the public code of Hu et al. (2by4-pretrain): unbiased, but of a variance that
the optimal scheme of the paper goes below a little.
"""

from __future__ import annotations

import torch

from skipbeat_arch.errors import InputError
from skipbeat_arch.pattern import Pattern


def keep_unbiased(values: torch.Tensor, pattern: Pattern, generator: torch.Generator) -> torch.Tensor:
    """An estimate of `values` [groups · M, ...] whose mean is `values`, with N of each M along the first axis.

    A last group of fewer than M is one of its own. Groups of zeros stay zeros.

    Raises:
        InputError: a pattern that is neither 1:q nor 2:4.
    """
    if pattern.kind != "nm" or (pattern.n != 1 and (pattern.n, pattern.m) != (2, 4)):
        raise InputError(f"pattern {pattern}: gradients are pruned without bias to 1:q or 2:4")
    count = len(values)
    zeros = values.new_zeros((-count % pattern.m, *values.shape[1:]))
    groups = torch.cat([values, zeros]).reshape(-1, pattern.m, *values.shape[1:]).movedim(1, -1)  # [groups, ..., M]
    kept = _one(groups, generator) if pattern.n == 1 else _two(groups, generator)
    return kept.movedim(-1, 1).flatten(0, 1)[:count]


def inclusion_of_two(magnitudes: torch.Tensor) -> torch.Tensor:
    """The probability of each element [..., 4] to be among the two that are drawn; zeros have none."""
    total = magnitudes.sum(dim=-1, keepdim=True)
    first = _ratio(magnitudes, total)
    odds = _ratio(first, total - magnitudes)  # of an element that went first, for a unit of magnitude that is left
    return first + magnitudes * (odds.sum(dim=-1, keepdim=True) - odds)


def _one(groups: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    drawn = _draw(groups.abs(), generator)
    return torch.where(drawn, groups.sign() * groups.abs().sum(dim=-1, keepdim=True), 0)


def _two(groups: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    magnitudes = groups.abs()
    first = _draw(magnitudes, generator)
    second = _draw(magnitudes.masked_fill(first, 0), generator)
    return torch.where(first | second, _ratio(groups, inclusion_of_two(magnitudes)), 0)


def _draw(magnitudes: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """One element of each group [..., M] in proportion to its magnitude, as a mask; of a group of zeros, none."""
    ends = magnitudes.cumsum(dim=-1)
    draw = torch.rand(*magnitudes.shape[:-1], 1, generator=generator, dtype=magnitudes.dtype) * ends[..., -1:]
    at = torch.arange(magnitudes.shape[-1])
    return (at == (draw >= ends).sum(dim=-1, keepdim=True)) & (magnitudes > 0)


def _ratio(part: torch.Tensor, whole: torch.Tensor) -> torch.Tensor:
    """part / whole, and 0 where both are."""
    return torch.where(whole > 0, part / torch.where(whole > 0, whole, 1), 0)
