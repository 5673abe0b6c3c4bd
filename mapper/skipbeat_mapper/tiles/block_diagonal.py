"""A grouped convolution's weight over all channels: block-diagonal, zero where channel groups do not meet."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.arrays import Int8Array
from skipbeat_arch.errors import InputError
from skipbeat_arch.workload import Convolution


def block_diagonal(weight: Int8Array, conv: Convolution) -> Int8Array:
    """The layer's weight int8 [C, K]; its reduction axis runs over all input channels, in the workload's order.

    Args:
        weight: int8 [C, K]; for a grouped convolution [groups, C/groups, K/groups].

    Raises:
        InputError: the weight does not have the workload's shape.
    """
    groups, gemm = conv.groups, conv.gemm
    expected = (gemm.c, gemm.k) if groups == 1 else (groups, gemm.c, gemm.k)
    if weight.dtype != np.int8 or (weight.shape != expected and weight.shape != (groups, gemm.c, gemm.k)):
        raise InputError(f"weight: expected int8 {list(expected)}, not {weight.dtype} {list(weight.shape)}")
    if groups == 1:
        return weight.reshape(gemm.c, gemm.k)
    taps, depth = conv.kernel[0] * conv.kernel[1], conv.c_in // groups
    every = np.arange(groups)
    if conv.order == "kh,kw,cin":
        full = np.zeros((taps, groups, depth, groups, gemm.k), np.int8)
        full[:, every, :, every] = weight.reshape(groups, taps, depth, gemm.k)
    else:
        full = np.zeros((groups, depth * taps, groups, gemm.k), np.int8)
        full[every, :, every] = weight
    return full.reshape(groups * gemm.c, groups * gemm.k)
