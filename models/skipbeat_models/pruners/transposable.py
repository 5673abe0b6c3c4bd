"""Transposable 2:4 masks: one mask that is 2:4 along the rows of a weight and along its columns.

Hubara et al., "Accelerated Sparse Neural Training: A Provable and Efficient Method to Find N:M Transposable Masks",
NeurIPS 2021 (arXiv:2102.08124), and Hu et al., "Accelerating Transformer Pre-training with 2:4 Sparsity", ICML 2024
(2by4-pretrain): forward and backward pass then share one compressed weight. There are 90 blocks of 4 x 4 with two ones
in each row and column, and the best is the one that keeps the largest sum of magnitudes. At M = 8 there are 2:8 masks
beyond number; two masks of one dense weight, as BDWP chooses, need no search.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations, product

import torch

from skipbeat_arch.errors import InputError

SIDE = 4
_KEPT = 2


@cache
def patterns() -> torch.Tensor:
    """All 4 x 4 blocks with two ones in each row and column, bool [90, 4, 4]."""
    rows = [[at in pair for at in range(SIDE)] for pair in combinations(range(SIDE), _KEPT)]
    blocks = torch.tensor(list(product(rows, repeat=SIDE)))
    return blocks[(blocks.sum(dim=1) == _KEPT).all(dim=1)]


def transposable_mask(weight: torch.Tensor) -> torch.Tensor:
    """The mask of a weight [rows, columns] that keeps the most magnitude in each block of 4 x 4; ties go to the first.

    Raises:
        InputError: a side of the weight is not a multiple of 4.
    """
    if weight.dim() != 2 or any(side % SIDE for side in weight.shape):
        raise InputError(
            f"weight of shape {tuple(weight.shape)}: expected a matrix whose sides are multiples of {SIDE}"
        )
    rows, columns = weight.shape
    blocks = weight.detach().abs().reshape(rows // SIDE, SIDE, columns // SIDE, SIDE).transpose(1, 2)
    kept = torch.einsum("rcij,pij->rcp", blocks, patterns().to(weight.dtype))
    return patterns()[kept.argmax(dim=2)].transpose(1, 2).reshape(weight.shape)
