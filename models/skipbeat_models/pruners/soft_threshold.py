"""S-STE: weights pruned to N:M by a soft threshold, which moves continuously where a mask would jump.

Hu et al., "S-STE: Continuous Pruning Function for Efficient 2:4 Sparse Pre-training", NeurIPS 2024 (arXiv:2409.09099).
In each group, t is the largest magnitude that is pruned (of 2:4, the second smallest), and what is kept is
sign(a) (|a| - t). One scale per tensor gives back the length that was lost; it is chosen once, by least squares, and
stays frozen while the network trains.
"""

from __future__ import annotations

import torch

from skipbeat_arch.errors import InputError
from skipbeat_arch.pattern import Pattern


def soft_threshold(weight: torch.Tensor, pattern: Pattern) -> torch.Tensor:
    """The weight [..., groups · M] pruned softly along its last axis, in its shape and without a scale.

    Raises:
        InputError: a pattern that is not N:M, or a last axis that M does not divide.
    """
    if pattern.kind != "nm" or weight.shape[-1] % pattern.m:
        raise InputError(f"weight of shape {tuple(weight.shape)}: expected N:M along a last axis that is whole groups")
    groups = weight.reshape(*weight.shape[:-1], -1, pattern.m)
    dropped = pattern.m - pattern.n
    if dropped == 0:
        return weight
    threshold = groups.detach().abs().sort(dim=-1).values[..., dropped - 1 : dropped]
    kept: torch.Tensor = groups.sign() * (groups.abs() - threshold).clamp_min(0)
    return kept.reshape(weight.shape)


def frozen_scale(weight: torch.Tensor, pattern: Pattern) -> float:
    """The factor of `soft_threshold(weight, pattern)` that comes nearest to the weight; 1 where nothing is left.

    Raises:
        InputError: as for `soft_threshold`.
    """
    pruned = soft_threshold(weight.detach(), pattern)
    length = float((pruned * pruned).sum())
    return float((weight.detach() * pruned).sum()) / length if length else 1.0
