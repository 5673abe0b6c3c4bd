"""How much of a layer's weights stays when it is pruned, with its input channels as they were and as they are."""

from __future__ import annotations

import numpy as np
import torch

from skipbeat_arch.arrays import Floats, Indices
from skipbeat_arch.model import KeptMagnitude
from skipbeat_arch.pattern import Pattern

from ...masks import prune_mask
from .weight_arrays import matrix_of


def kept_magnitude(weight: torch.Tensor, pattern: Pattern, order: Indices | None) -> KeptMagnitude:
    """Sums of the magnitudes of a weight.

    Args:
        weight: float [groups, K / groups, C_in / groups, kh, kw].
        pattern: what it is pruned to.
        order: in which its input channels are; None: in their own.
    """
    values: Floats = weight.detach().float().abs().numpy()
    permuted = _kept(values, pattern)
    natural = permuted if order is None else _kept(values[:, :, np.argsort(order)], pattern)
    return KeptMagnitude(whole=float(values.sum(dtype=np.float64)), natural=natural, permuted=permuted)


def _kept(values: Floats, pattern: Pattern) -> float:
    matrix = matrix_of(values, "kh,kw,cin")
    return float(matrix[prune_mask(matrix, pattern)].sum(dtype=np.float64))
