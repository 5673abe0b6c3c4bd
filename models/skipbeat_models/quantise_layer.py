"""Numbers of one quantised layer: scales, integer weights and biases, multipliers and shifts.

All scales are symmetric, so a zero stays a zero and a pruned weight stays pruned. Activations have one scale per
tensor, the largest magnitude of the calibration data over 127. Weights have one scale per output channel, except
in a layer whose int32 sums are the logits: they must share one scale to be comparable. A layer computes

    q_y = clamp((q_x · q_w + q_b) * multiplier + q_r * residual_multiplier, rounded, >> shift)
    q_b = b / (s_x s_w),   multiplier / 2**shift = s_x s_w / s_y,   residual_multiplier / 2**shift = s_r / s_y

as in Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference", CVPR 2018, section 2, with zero points of 0. A ReLU becomes the clamp's lower end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import nn

from skipbeat_arch.errors import InputError
from skipbeat_arch.layer import IntegerLayer
from skipbeat_arch.numbers import requantise_parameters
from skipbeat_arch.workload import Convolution, ReductionOrder, Workload

from .network import round_half_up
from .pruners.layers import Prunable
from .reduction import reduction_matrix

FloatArray = npt.NDArray[np.float64]
IntegerArray = npt.NDArray[np.int64]

#: A bias is at most this many units, so that a layer of tiny weights and a large bias still fits int32.
_LARGEST_BIAS = 1 << 24
#: Smallest scale that `requantise_parameters` can express, with a margin.
_SMALLEST_RATIO = 2.0**-30
#: Most output units in one unit of a residual: an output with a finer unit spans less than half a residual's unit.
_LARGEST_RESIDUAL_RATIO = 2.0**8


@dataclass(frozen=True, kw_only=True)
class Scales:
    """Real values of one unit of a layer's tensors; without `output`, its results are int32 logits."""

    input: float
    output: float | None = None
    residual: float | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class QuantisedLayer:
    """A layer in integers.

    Attributes:
        residual_multiplier: int64 [K] if it adds a residual.
        scale: real value of one unit of its output.
    """

    layer: IntegerLayer
    residual_multiplier: IntegerArray | None
    scale: float


def activation_scale(largest: float) -> float:
    """Scale of a tensor whose largest magnitude is given."""
    return largest / 127 if largest > 0 else 1.0


def quantise_layer(
    name: str, module: Prunable, workload: Workload, order: ReductionOrder, scales: Scales, *, relu: bool
) -> QuantisedLayer:
    """A Conv2d or Linear as an integer layer.

    Args:
        order: of the rows of the weight's reduction matrix; it must be the workload's.
        scales: the output's becomes larger if it would be finer than what is added up can resolve.

    Raises:
        InputError: weights or biases that are not finite, or sums that could leave int32.
    """
    weight_shape: tuple[int, ...] = tuple(module.weight.shape)
    if isinstance(workload, Convolution):  # a linear layer too, if its kernel covers a map
        weight_shape = (workload.c_out, workload.c_in // workload.groups, *workload.kernel)
    matrix = reduction_matrix(module.weight.detach().reshape(weight_shape), order).double().numpy()
    real_bias = np.zeros(matrix.shape[1]) if module.bias is None else module.bias.detach().double().numpy()
    if not (np.isfinite(matrix).all() and np.isfinite(real_bias).all()):
        raise InputError(f"layer {name}: expected finite weights and biases")
    units = _weight_scales(matrix, real_bias, scales.input, last=scales.output is None)
    out_scale = scales.output
    if out_scale is not None:
        out_scale = max(out_scale, scales.input * float(units.max()))
        smallest = _SMALLEST_RATIO
        if scales.residual is not None:
            out_scale = max(out_scale, scales.residual / _LARGEST_RESIDUAL_RATIO)
            smallest *= max(1.0, scales.residual / out_scale)
        units = np.maximum(units, smallest * out_scale / scales.input)
    weight = round_half_up(matrix / units, -127, 127).astype(np.int8)
    bias = round_half_up(real_bias / (scales.input * units), -(2**31), 2**31 - 1).astype(np.int32)
    _check_sums(name, weight, bias)
    groups = module.groups if isinstance(module, nn.Conv2d) else 1
    if groups > 1:
        weight = weight.reshape(len(weight), groups, -1).transpose(1, 0, 2)
    weight = np.ascontiguousarray(weight)
    if out_scale is None:
        layer = IntegerLayer(name=name, workload=workload, weight=weight, bias=bias)
        return QuantisedLayer(layer=layer, residual_multiplier=None, scale=scales.input * float(units[0]))
    residual_ratio = None if scales.residual is None else scales.residual / out_scale
    multiplier, shift, residual_multiplier = _multipliers(scales.input * units / out_scale, residual_ratio)
    layer = IntegerLayer(
        name=name,
        workload=workload,
        weight=weight,
        bias=bias,
        multiplier=multiplier,
        shift=shift,
        low=0 if relu else -128,
    )
    return QuantisedLayer(layer=layer, residual_multiplier=residual_multiplier, scale=out_scale)


def ones_layer(name: str, workload: Convolution, scales: Scales, *, relu: bool = False) -> QuantisedLayer:
    """The depthwise layer with weights 1: it copies with a 1x1 kernel, and averages with a larger one.

    The result is divided by the kernel's area. Without an output scale the input's is kept.
    """
    channels, area = workload.c_out, workload.kernel[0] * workload.kernel[1]
    out_scale = scales.input if scales.output is None else max(scales.output, scales.input / area)
    residual_ratio = None
    if scales.residual is not None:
        out_scale = max(out_scale, scales.residual / _LARGEST_RESIDUAL_RATIO)
        residual_ratio = scales.residual / out_scale
    ratio = scales.input / (area * out_scale)
    multiplier, shift, residual_multiplier = _multipliers(np.full(channels, ratio), residual_ratio)
    layer = IntegerLayer(
        name=name,
        workload=workload,
        weight=np.ones((channels, area, 1), np.int8),
        bias=np.zeros(channels, np.int32),
        multiplier=multiplier,
        shift=shift,
        low=0 if relu else -128,
    )
    return QuantisedLayer(layer=layer, residual_multiplier=residual_multiplier, scale=out_scale)


def _multipliers(
    ratios: FloatArray, residual_ratio: float | None
) -> tuple[IntegerArray, IntegerArray, IntegerArray | None]:
    """Multipliers [K], the shifts [K] and the residual's multipliers [K].

    A sum and its residual share a shift: that of the larger ratio, whose multiplier then has its full 31 bits.
    """
    largest = ratios if residual_ratio is None else np.maximum(ratios, residual_ratio)
    pairs = np.array([requantise_parameters(float(ratio)) for ratio in largest], np.int64)
    if residual_ratio is None:
        return pairs[:, 0], pairs[:, 1], None
    shift = pairs[:, 1]
    unit = np.exp2(shift.astype(np.float64))
    most = (1 << 31) - 1
    multiplier = round_half_up(ratios * unit, 1, most).astype(np.int64)
    return multiplier, shift, round_half_up(residual_ratio * unit, 0, most).astype(np.int64)


def _weight_scales(matrix: FloatArray, bias: FloatArray, in_scale: float, *, last: bool) -> FloatArray:
    """Scale per output channel [K]: the weights fill int8 unless that would make the bias too large an integer."""
    scales: FloatArray = np.maximum(np.abs(matrix).max(axis=0) / 127, np.abs(bias) / (in_scale * _LARGEST_BIAS))
    if last:
        largest = float(scales.max())
        return np.full(len(scales), largest if largest > 0 else 1.0)
    return scales


def _check_sums(name: str, weight: npt.NDArray[np.int8], bias: npt.NDArray[np.int32]) -> None:
    worst = int((np.abs(weight.astype(np.int64)).sum(axis=0) * 128 + np.abs(bias.astype(np.int64))).max())
    if worst >= 2**31:
        raise InputError(f"layer {name}: sums of up to {worst} do not fit a 32-bit accumulator")


def convolution_workload(name: str, module: nn.Conv2d, size: tuple[int, int], order: ReductionOrder) -> Convolution:
    """The workload of a Conv2d on one image of a height and width.

    Raises:
        InputError: padding that is not a number of zeros.
    """
    if module.padding_mode != "zeros" or isinstance(module.padding, str):
        raise InputError(f"layer {name}: expected numeric zero padding, not {module.padding_mode} {module.padding}")
    return Convolution(
        batch=1,
        c_in=module.in_channels,
        c_out=module.out_channels,
        height=size[0],
        width=size[1],
        kernel=pair(module.kernel_size),
        stride=pair(module.stride),
        padding=pair(module.padding),
        dilation=pair(module.dilation),
        groups=module.groups,
        order=order,
    )


def pair(value: int | tuple[int, ...]) -> tuple[int, int]:
    """Height and width of an option that torch takes as one number or two."""
    return (value, value) if isinstance(value, int) else (value[0], value[1])
