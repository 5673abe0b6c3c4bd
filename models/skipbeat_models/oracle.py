"""The integer oracle: what the accelerator must compute, from the mathematics of each layer.

It knows nothing of groups, tiles or gathering. Convolutions and products run in PyTorch's float64, which is exact
for integers as long as every partial sum is below 2**53; that is asserted from the weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch

from skipbeat_arch.errors import InputError
from skipbeat_arch.layer import IntegerLayer
from skipbeat_arch.numbers import requantise
from skipbeat_arch.workload import Convolution

from .network import Flatten, IntegerNetwork, MaxPool, Stage, batched
from .reduction import weight_from_matrix

_EXACT = 2.0**53
_INT32 = 2**31

Integer = TypeVar("Integer", np.int8, np.int32)
Output = npt.NDArray[np.int8] | npt.NDArray[np.int32]


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerTrace:
    """What one layer consumed and produced for N images.

    Attributes:
        layer: the layer with its workload for N images.
        input: int8 [N, C_in, H, W], or [N, C] of a linear layer.
        sums: int32 [P, K], `x · w` without bias; P = N * out_h * out_w in image, row, column order.
        output: int8 after bias, requantisation and clamp, or int32 with bias if the layer has no multiplier;
            [N, K, out_h, out_w] or [N, K].
    """

    layer: IntegerLayer
    input: npt.NDArray[np.int8]
    sums: npt.NDArray[np.int32]
    output: Output


@dataclass(frozen=True, kw_only=True, eq=False)
class OracleRun:
    """The trace of each accelerator layer in order, and the logits int32 [N, K]."""

    traces: tuple[LayerTrace, ...]
    logits: npt.NDArray[np.int32]


def run(network: IntegerNetwork, images: npt.NDArray[np.int8]) -> OracleRun:
    """Run int8 images [N, C, H, W] through a network.

    Raises:
        InputError: images of another type or shape, or sums that leave int32.
    """
    if images.dtype != np.int8 or images.ndim != 4 or images.shape[1:] != network.input_shape or len(images) == 0:
        raise InputError(
            f"images {images.dtype} {images.shape}: expected int8 [N, {', '.join(map(str, network.input_shape))}]"
        )
    traces: list[LayerTrace] = []
    x = images
    for stage in network.stages:
        if isinstance(stage, IntegerLayer):
            trace = run_layer(stage, x)
            traces.append(trace)
            if trace.output.dtype == np.int8:
                x = trace.output.astype(np.int8, copy=False)
        else:
            x = run_host(stage, x)
    return OracleRun(traces=tuple(traces), logits=traces[-1].output.astype(np.int32, copy=False))


def run_layer(layer: IntegerLayer, x: npt.NDArray[np.int8]) -> LayerTrace:
    """One layer (with the workload of one image) on int8 [N, C_in, H, W] or [N, C].

    Raises:
        InputError: an input of another shape, or sums that leave int32.
    """
    load = batched(layer, len(x)).workload
    expected = (load.batch, load.c_in, load.height, load.width) if isinstance(load, Convolution) else (load.p, load.c)
    if x.shape != expected:
        raise InputError(f"layer {layer.name}: input of shape {x.shape}, expected {expected}")
    exact = integer_sums(layer, x)
    with_bias = exact + layer.bias
    if max(np.abs(exact).max(), np.abs(with_bias).max()) >= _INT32:
        raise InputError(f"layer {layer.name}: its sums do not fit int32")
    if layer.multiplier is None or layer.shift is None:
        output: Output = _to_nchw(layer, with_bias.astype(np.int32), len(x))
    else:
        result = requantise(with_bias, layer.multiplier, layer.shift, layer.low, layer.high)
        output = _to_nchw(layer, result, len(x))
    return LayerTrace(layer=batched(layer, len(x)), input=x, sums=exact.astype(np.int32), output=output)


def _to_nchw(layer: IntegerLayer, flat: npt.NDArray[Integer], images: int) -> npt.NDArray[Integer]:
    """[P, K] as [N, K, out_h, out_w]; a linear layer's stays as it is."""
    if not isinstance(layer.workload, Convolution):
        return flat
    return np.ascontiguousarray(flat.reshape(images, *layer.workload.out_size, -1).transpose(0, 3, 1, 2))


def integer_sums(layer: IntegerLayer, x: npt.NDArray[np.int8]) -> npt.NDArray[np.int64]:
    """`x · w` without bias, int64 [P, K], for a layer with the workload of one image."""
    weight = layer.weight
    matrix = weight if weight.ndim == 2 else weight.transpose(1, 0, 2).reshape(weight.shape[1], -1)
    if 128.0 * float(np.abs(matrix.astype(np.float64)).sum(axis=0).max()) >= _EXACT:
        raise InputError(f"layer {layer.name}: float64 cannot hold its sums exactly")
    columns = torch.from_numpy(matrix.astype(np.float64))
    inputs = torch.from_numpy(x.astype(np.float64))
    load = layer.workload
    if not isinstance(load, Convolution):
        return (inputs @ columns).numpy().astype(np.int64)
    shape = (load.c_out, load.c_in // load.groups, *load.kernel)
    sums = torch.nn.functional.conv2d(
        inputs,
        weight_from_matrix(columns, shape, load.order),
        None,
        load.stride,
        load.padding,
        load.dilation,
        load.groups,
    )
    return sums.permute(0, 2, 3, 1).reshape(-1, load.c_out).numpy().astype(np.int64)


def run_host(stage: Stage, x: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """A host stage on int8 [N, C, H, W]."""
    if isinstance(stage, Flatten):
        return x.reshape(len(x), -1)
    if not isinstance(stage, MaxPool):
        raise TypeError(f"{stage.name} is not a host stage")
    inputs = torch.from_numpy(x.astype(np.float64))  # torch pools floats only; int8 is exact in float64
    pooled = torch.nn.functional.max_pool2d(inputs, stage.kernel, stage.stride, stage.padding)
    return pooled.numpy().astype(np.int8)
