"""A layer's weight as the matrix W[C,K] of its GEMM, and back.

The rows of W are the reduction axis, in the order in which the accelerator walks it; N:M groups are runs of M
rows. Everything that groups, quantises or multiplies weights goes through these two functions.
"""

from __future__ import annotations

from typing import get_args

import numpy as np
import torch

from skipbeat_arch.arrays import Int8Array
from skipbeat_arch.errors import InputError
from skipbeat_arch.workload import ReductionOrder

#: Axes of a weight [K, C/groups, kh, kw] in the order of the reduction matrix, K last.
_AXES: dict[str, tuple[int, int, int, int]] = {"kh,kw,cin": (2, 3, 1, 0), "cin,kh,kw": (1, 2, 3, 0)}


def _axes(order: ReductionOrder) -> tuple[int, int, int, int]:
    if order not in _AXES:
        raise InputError(f"reduction order {order!r}: expected one of {', '.join(get_args(ReductionOrder))}")
    return _AXES[order]


def reduction_matrix(weight: torch.Tensor, order: ReductionOrder = "kh,kw,cin") -> torch.Tensor:
    """The reduction form [C, K] of a weight, of the same dtype.

    Args:
        weight: [K, C] of a linear layer, or [K, C_in/groups, kh, kw] of a convolution; then C is
            C_in/groups * kh * kw, and the columns of one channel group are consecutive.
        order: order of a convolution's reduction axis, slowest first; a linear layer has only one.

    Raises:
        InputError: another number of dimensions, or an unknown order.
    """
    axes = _axes(order)
    if weight.dim() == 2:
        return weight.t()
    if weight.dim() == 4:
        return weight.permute(axes).reshape(-1, weight.shape[0])
    raise InputError(f"weight of shape {tuple(weight.shape)}: expected 2 dimensions (linear) or 4 (convolution)")


def weight_from_matrix(
    matrix: torch.Tensor, shape: tuple[int, ...], order: ReductionOrder = "kh,kw,cin"
) -> torch.Tensor:
    """Inverse of `reduction_matrix`: the weight of `shape` whose reduction form is `matrix` [C, K].

    Raises:
        InputError: `shape` has another number of elements or dimensions, or the order is unknown.
    """
    axes = _axes(order)
    if len(shape) not in (2, 4) or matrix.numel() != torch.Size(shape).numel() or matrix.shape[-1] != shape[0]:
        raise InputError(f"matrix of shape {tuple(matrix.shape)} is not the reduction form of a weight of {shape}")
    if len(shape) == 2:
        return matrix.t()
    permuted = matrix.reshape([shape[axis] for axis in axes])
    return permuted.permute([axes.index(axis) for axis in range(4)])


def stationary_matrix(weight: torch.Tensor, groups: int) -> Int8Array:
    """What stays in the array, [C, K] or [groups, C, K / groups], of an int8 weight [K, C_in / groups, kh, kw].

    Raises:
        InputError: as for `reduction_matrix`.
    """
    matrix: Int8Array = reduction_matrix(weight).numpy()
    if groups > 1:
        matrix = matrix.reshape(len(matrix), groups, -1).transpose(1, 0, 2)
    return np.ascontiguousarray(matrix)
