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

from dataclasses import dataclass, replace
from math import inf

import numpy as np
import numpy.typing as npt
import torch

from skipbeat_arch.arrays import FloatArray, Int8Array, Int32Array, Int64Array
from skipbeat_arch.errors import InputError
from skipbeat_arch.layer import IntegerLayer
from skipbeat_arch.numbers import requantise_parameters
from skipbeat_arch.workload import Convolution

from .reduction import reduction_matrix

#: The clamp of a layer without one.
NO_CLAMP = (-inf, inf)
#: A bias is at most this many units, so that a layer of tiny weights and a large bias still fits int32.
_LARGEST_BIAS = 1 << 24
#: Weights that are rounded at a time: what they take meanwhile fits the caches of a processor.
_AT_ONCE = 1 << 18
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
    residual_multiplier: Int64Array | None
    scale: float


def activation_scale(largest: float) -> float:
    """Scale of a tensor whose largest magnitude is given."""
    return largest / 127 if largest > 0 else 1.0


def quantise_layer(
    name: str,
    weight: torch.Tensor,
    bias: torch.Tensor,
    workload: Convolution,
    scales: Scales,
    *,
    clamp: tuple[float, float] = NO_CLAMP,
) -> QuantisedLayer:
    """A convolution as an integer layer; a linear layer is one, too.

    Args:
        weight: float [K, C / groups, kh, kw]; bias: float [K].
        workload: its order is that of the rows of the integer weight.
        scales: the output's becomes larger if it would be finer than what is added up can resolve.
        clamp: lowest and highest real value of a result.

    Raises:
        InputError: weights or biases that are not finite, or sums that could leave int32.
    """
    values, real_bias = weight.flatten(1), bias.double().numpy()
    largest = torch.maximum(values.amax(dim=1), -values.amin(dim=1)).double().numpy()
    if not (np.isfinite(largest).all() and np.isfinite(real_bias).all()):
        raise InputError(f"layer {name}: expected finite weights and biases")
    units = _weight_scales(largest, real_bias, scales.input, last=scales.output is None)
    out_scale = scales.output
    if out_scale is not None:
        out_scale = max(out_scale, scales.input * float(units.max()))
        smallest = _SMALLEST_RATIO
        if scales.residual is not None:
            out_scale = max(out_scale, scales.residual / _LARGEST_RESIDUAL_RATIO)
            smallest *= max(1.0, scales.residual / out_scale)
        units = np.maximum(units, smallest * out_scale / scales.input)
    integers: Int8Array = np.empty(values.shape[::-1], np.int8)
    outputs = max(1, _AT_ONCE // len(integers))
    for first in range(0, len(units), outputs):
        part = slice(first, first + outputs)
        matrix = reduction_matrix(weight[part], workload.order).double().numpy()
        integers[:, part] = round_half_up(matrix / units[part], -127, 127)
    integer_bias = round_half_up(real_bias / (scales.input * units), -(2**31), 2**31 - 1).astype(np.int32)
    _check_sums(name, integers, integer_bias)
    if workload.groups > 1:
        integers = integers.reshape(len(integers), workload.groups, -1).transpose(1, 0, 2)
    layer = IntegerLayer(name=name, workload=workload, weight=np.ascontiguousarray(integers), bias=integer_bias)
    if out_scale is None:
        return QuantisedLayer(layer=layer, residual_multiplier=None, scale=scales.input * float(units[0]))
    return _requantised(layer, scales.input * units, out_scale, scales.residual, clamp)


def ones_layer(
    name: str, workload: Convolution, scales: Scales, *, clamp: tuple[float, float] = NO_CLAMP
) -> QuantisedLayer:
    """The depthwise layer with weights 1: it copies with a 1x1 kernel, and averages with a larger one.

    The result is divided by the kernel's area. Without an output scale the input's is kept.
    """
    channels, area = workload.c_out, workload.kernel[0] * workload.kernel[1]
    out_scale = scales.input if scales.output is None else max(scales.output, scales.input / area)
    if scales.residual is not None:
        out_scale = max(out_scale, scales.residual / _LARGEST_RESIDUAL_RATIO)
    layer = IntegerLayer(
        name=name, workload=workload, weight=np.ones((channels, area, 1), np.int8), bias=np.zeros(channels, np.int32)
    )
    return _requantised(layer, np.full(channels, scales.input / area), out_scale, scales.residual, clamp)


def without_zeros(quantised: QuantisedLayer) -> QuantisedLayer:
    """A layer whose zero weights become 1, so that its program does not depend on its numbers.

    It has one weight for each channel. That is 0 only beside a bias that is 2**24 times as large, or if it is a tiny
    part of a result's unit: what a weight of 1 adds is then less than the rounding of the result.
    """
    layer = quantised.layer
    return replace(quantised, layer=replace(layer, weight=np.where(layer.weight == 0, np.int8(1), layer.weight)))


def product_layer(name: str, weight: Int8Array, rows: int, units: float, out_scale: float) -> IntegerLayer:
    """The product of `rows` pixels with integers [C, K] that are already there: the second operand is an activation.

    Args:
        units: real value of one unit of the sums; out_scale: of the results.
    """
    c, k = weight.shape
    workload = Convolution(batch=1, c_in=c, c_out=k, height=1, width=rows, kernel=(1, 1))
    layer = IntegerLayer(name=name, workload=workload, weight=weight, bias=np.zeros(k, np.int32))
    return _requantised(layer, np.full(k, units), max(out_scale, units), None, NO_CLAMP).layer


def _requantised(
    layer: IntegerLayer, units: FloatArray, out_scale: float, residual: float | None, clamp: tuple[float, float]
) -> QuantisedLayer:
    """The layer with int8 results in units of `out_scale`; `units` [K] are those of its sums."""
    residual_ratio = None if residual is None else residual / out_scale
    multiplier, shift, residual_multiplier = _multipliers(units / out_scale, residual_ratio)
    low, high = (int(round_half_up(bound / out_scale, -128, 127)) for bound in clamp)
    return QuantisedLayer(
        layer=replace(layer, multiplier=multiplier, shift=shift, low=low, high=high),
        residual_multiplier=residual_multiplier,
        scale=out_scale,
    )


def round_half_up(values: npt.ArrayLike, low: int, high: int) -> FloatArray:
    """Nearest integers, halves towards +infinity (the rule of `skipbeat_arch.numbers`), clamped to low..high."""
    return np.clip(np.floor(np.asarray(values, np.float64) + 0.5), low, high)


def _multipliers(ratios: FloatArray, residual_ratio: float | None) -> tuple[Int64Array, Int64Array, Int64Array | None]:
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


def _weight_scales(weights: FloatArray, bias: FloatArray, in_scale: float, *, last: bool) -> FloatArray:
    """Scale per output channel [K]: the weights fill int8 unless that would make the bias too large an integer.

    Args:
        weights: the largest magnitude of each channel [K].
    """
    scales: FloatArray = np.maximum(weights / 127, np.abs(bias) / (in_scale * _LARGEST_BIAS))
    if last:
        largest = float(scales.max())
        return np.full(len(scales), largest if largest > 0 else 1.0)
    return scales


def _check_sums(name: str, weight: Int8Array, bias: Int32Array) -> None:
    sums = np.zeros(weight.shape[1], np.int64)
    for first in range(0, len(weight), rows := max(1, _AT_ONCE // len(sums))):
        magnitudes = np.abs(weight[first : first + rows]).view(np.uint8)  # of -128 too
        sums += magnitudes.sum(axis=0, dtype=np.int64)
    worst = int((sums * 128 + np.abs(bias.astype(np.int64))).max())
    if worst >= 2**31:
        raise InputError(f"layer {name}: sums of up to {worst} do not fit a 32-bit accumulator")
