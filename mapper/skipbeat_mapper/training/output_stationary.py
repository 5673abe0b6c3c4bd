"""What an ideal output-stationary array of the same size would take: a reference, by its formula alone.

Each of its R x A multipliers keeps one sum, of a pixel and an output. A pass goes through the reduction axis, b steps
for each group of M, with neither fill nor drain nor memory:

    ceil(P / R) * ceil(K / A) * ceil(C / M) * b    clocks

With double-buffered tiles a weight-stationary array takes as many for full tiles, so that neither dataflow is quicker.
"""

from __future__ import annotations

from skipbeat_arch.hardware import Hardware
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.training_model import Product, Update


def product_clocks(product: Product, pattern: Pattern, hw: Hardware) -> int:
    """Clocks of a product with all its images and repeats."""
    conv = product.workload
    gemm = conv.gemm
    taps = conv.kernel[0] * conv.kernel[1]
    shared, times = (1, product.images) if product.operand else (product.images, 1)
    clocks = _clocks(gemm.p * shared, taps, gemm.c // taps, gemm.k, pattern, hw)
    return clocks * conv.groups * product.repeats * times


def update_clocks(update: Update, pattern: Pattern, hw: Hardware) -> int:
    """Clocks of the gradient of a weight; its reduction axis has the images of each pixel in groups."""
    conv = update.workload
    gemm = conv.gemm
    return _clocks(gemm.c, gemm.p, update.images, gemm.k, pattern, hw) * update.repeats


def _clocks(pixels: int, taps: int, channels: int, outputs: int, pattern: Pattern, hw: Hardware) -> int:
    array = hw.array
    groups = taps * -(-channels // array.group)
    return -(-pixels // array.rows) * -(-outputs // array.cols) * groups * _beat(pattern, array.group)


def _beat(pattern: Pattern, group: int) -> int:
    """b of a group with this pattern; that of a density is of a group that has exactly its share."""
    if pattern.kind == "nm":
        whole, rest = divmod(group, pattern.m)
        return min(group, pattern.n * whole + min(pattern.n, rest)) if whole else min(pattern.n, group)
    return group if pattern.kind == "dense" else max(1, -(-round(group * pattern.density * 1000) // 1000))
