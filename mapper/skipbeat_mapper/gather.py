"""Implicit GEMM: the activations of a workload as the rows of a GEMM.

One row per output pixel (image, then row, then column), one column per element of the reduction axis in the
workload's order. Grouped convolutions have two views: one channel group by itself, and the whole layer, whose
reduction axis runs over all input channels (its weight is then block-diagonal, see `block_diagonal`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from skipbeat_arch.errors import InputError
from skipbeat_arch.workload import Convolution, Gemm, Workload

Int8Array = npt.NDArray[np.int8]
IntArray = npt.NDArray[np.intp]


def gather(x: Int8Array, workload: Workload, channel_group: int | None = None) -> Int8Array:
    """X int8 [P, C] of a workload.

    Args:
        x: int8 [batch, c_in, height, width] for a convolution; [P, C] for a GEMM, which passes through.
        channel_group: one channel group of a grouped convolution; None is the whole layer, whose reduction axis
            runs over all `c_in` channels.

    Raises:
        InputError: `x` does not have the workload's shape, or there is no such channel group.
    """
    if isinstance(workload, Gemm):
        expected: tuple[int, ...] = (workload.p, workload.c)
    else:
        expected = (workload.batch, workload.c_in, workload.height, workload.width)
    if x.shape != expected or x.dtype != np.int8:
        raise InputError(f"activations: expected int8 {list(expected)}, not {x.dtype} {list(x.shape)}")
    groups = 1 if isinstance(workload, Gemm) else workload.groups
    if channel_group is not None and not 0 <= channel_group < groups:
        raise InputError(f"channel group {channel_group}: expected one of 0..{groups - 1}")
    if isinstance(workload, Gemm):
        return x
    if channel_group is not None:
        depth = workload.c_in // groups
        x = x[:, channel_group * depth : (channel_group + 1) * depth]
    return _windows(x, workload)


def _windows(x: Int8Array, conv: Convolution) -> Int8Array:
    """Every output pixel's window, [P, elements of the reduction axis]."""
    pad_h, pad_w = conv.padding
    padded = np.pad(x, ((0, 0), (0, 0), (pad_h, pad_h), (pad_w, pad_w)))
    batch, channels = x.shape[:2]
    image, channel, row, column = padded.strides
    shape = (batch, channels, *conv.out_size, *conv.kernel)
    strides = (
        image,
        channel,
        row * conv.stride[0],
        column * conv.stride[1],
        row * conv.dilation[0],
        column * conv.dilation[1],
    )
    windows = np.lib.stride_tricks.as_strided(padded, shape, strides, writeable=False)
    axes = (0, 2, 3, 4, 5, 1) if conv.order == "kh,kw,cin" else (0, 2, 3, 1, 4, 5)
    out = np.ascontiguousarray(windows.transpose(axes))
    return out.reshape(batch * conv.out_size[0] * conv.out_size[1], -1)


def layer_gemm(workload: Workload) -> Gemm:
    """The GEMM of the whole layer: a grouped convolution's axes run over all its channels."""
    if isinstance(workload, Gemm):
        return workload
    one = workload.gemm
    return Gemm(p=one.p, c=one.c * workload.groups, k=one.k * workload.groups)


def block_diagonal(weight: Int8Array, workload: Workload) -> Int8Array:
    """The layer's weight int8 [C, K] over the reduction axis that `gather` produces for the whole layer.

    Args:
        weight: int8 [C, K]; for a grouped convolution [groups, C/groups, K/groups].

    Raises:
        InputError: the weight does not have the workload's shape.
    """
    groups = 1 if isinstance(workload, Gemm) else workload.groups
    gemm = workload if isinstance(workload, Gemm) else workload.gemm
    expected = (gemm.c, gemm.k) if groups == 1 else (groups, gemm.c, gemm.k)
    if weight.dtype != np.int8 or (weight.shape != expected and weight.shape != (groups, gemm.c, gemm.k)):
        raise InputError(f"weight: expected int8 {list(expected)}, not {weight.dtype} {list(weight.shape)}")
    if groups == 1:
        return weight.reshape(gemm.c, gemm.k)
    assert isinstance(workload, Convolution)
    taps, depth = workload.kernel[0] * workload.kernel[1], workload.c_in // groups
    every = np.arange(groups)
    if workload.order == "kh,kw,cin":
        full = np.zeros((taps, groups, depth, groups, gemm.k), np.int8)
        full[:, every, :, every] = weight.reshape(groups, taps, depth, gemm.k)
    else:
        full = np.zeros((groups, depth * taps, groups, gemm.k), np.int8)
        full[every, :, every] = weight
    return full.reshape(groups * gemm.c, groups * gemm.k)


def interleaved_order(conv: Convolution) -> IntArray:
    """The layer's reduction indices with the channel group as the fastest axis.

    Neighbours then belong to different channel groups, so that an output has a weight on at most one of them: a
    depthwise convolution has b = 1 instead of M.
    """
    taps, depth = conv.kernel[0] * conv.kernel[1], conv.c_in // conv.groups
    if conv.order == "kh,kw,cin":
        return np.arange(taps * conv.c_in).reshape(taps, conv.groups, depth).transpose(0, 2, 1).ravel()
    return np.arange(taps * conv.c_in).reshape(conv.groups, depth, taps).transpose(2, 1, 0).ravel()
