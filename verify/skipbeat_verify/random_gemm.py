"""Random GEMMs with a sparsity pattern: the cases that co-simulation and regression run."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.arrays import BoolArray, Int8Array
from skipbeat_arch.budget import check_memory, check_passes, passes
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.numbers import integer_range
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.workload import Gemm, one_image

#: Of each element of the operands and the product, while they are drawn, ranked and multiplied: three of 8 bytes.
_BYTES = 24


def check_gemm(gemm: Gemm, hw: Hardware) -> None:
    """Refuse a GEMM that is too much to draw, compile and multiply, before any of it.

    Raises:
        InputError: more passes than the limit, or more memory than the machine has.
    """
    what = f"GEMM {gemm.p:,} x {gemm.c:,} x {gemm.k:,}"
    check_passes(what, passes(one_image(gemm)[0], hw))
    check_memory(what, _BYTES * (gemm.p * gemm.c + gemm.c * gemm.k + gemm.p * gemm.k))


def random_gemm(gemm: Gemm, pattern: Pattern, hw: Hardware, seed: int) -> tuple[Int8Array, Int8Array]:
    """Activations int8 [P, C] and weights int8 [C, K] over the whole range of the hardware's numbers.

    Weights are nonzero where the pattern keeps them: `N:M` keeps exactly N of each M elements of the reduction
    axis (fewer in a shorter last group), `unstructured` each weight, and `block` each tile of R·M × C_arr weights,
    with a probability of the density.
    """
    rng = np.random.default_rng(seed)
    low, high = integer_range(hw.numbers.activation_bits)
    x = rng.integers(low, high + 1, (gemm.p, gemm.c)).astype(np.int8)
    low, high = integer_range(hw.numbers.weight_bits)
    magnitude = rng.integers(low, high, (gemm.c, gemm.k))
    w = np.where(magnitude >= 0, magnitude + 1, magnitude).astype(np.int8)  # no zero by chance
    return x, w * _kept(gemm, pattern, hw, rng)


def _kept(gemm: Gemm, pattern: Pattern, hw: Hardware, rng: np.random.Generator) -> BoolArray:
    shape = (gemm.c, gemm.k)
    if pattern.kind == "nm":
        groups = -(-gemm.c // pattern.m)
        rank = rng.random((groups, pattern.m, gemm.k)).argsort(axis=1).argsort(axis=1)
        return (rank < pattern.n).reshape(-1, gemm.k)[: gemm.c]
    if pattern.kind == "unstructured":
        return rng.random(shape) < pattern.density
    if pattern.kind == "block":
        height, width = hw.array.rows * hw.array.group, hw.array.cols
        blocks = rng.random((-(-gemm.c // height), -(-gemm.k // width))) < pattern.density
        return blocks.repeat(height, axis=0).repeat(width, axis=1)[: gemm.c, : gemm.k]
    return np.ones(shape, np.bool_)
