"""Zeros of operands that training chooses anew: drawn from the seed, in the pattern that is asked for."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from skipbeat_arch.model import WeightZeros
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.workload import Convolution

from ..masks import fan_in_mask
from ..scheme import Method
from ..weight_zeros import DrawnZeros, PackedZeros, dense_zeros, weight_zeros


def product_zeros(conv: Convolution, pattern: Pattern, method: Method, seed: int) -> WeightZeros:
    """The zeros of a convolution's stationary operand, [C, K] or [groups, C / groups, K / groups]."""
    gemm = conv.gemm
    shape = (gemm.c, gemm.k) if conv.groups == 1 else (conv.groups, gemm.c, gemm.k)
    return matrix_zeros(shape, pattern, method, seed)


@lru_cache(maxsize=256)
def matrix_zeros(shape: tuple[int, ...], pattern: Pattern, method: Method, seed: int) -> WeightZeros:
    """Zeros of a matrix; by constant fan-in every column of an unstructured one keeps as many."""
    if pattern.kind == "dense":
        return dense_zeros(shape)
    if method == "constant-fan-in" and pattern.kind == "unstructured":
        scores = np.random.Generator(np.random.SFC64(seed)).random(shape, np.float32)
        return weight_zeros(PackedZeros.of(fan_in_mask(scores, pattern)))
    return weight_zeros(DrawnZeros(shape, pattern, seed))
