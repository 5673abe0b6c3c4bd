"""Post-training quantisation of a sequential network to int8.

All scales are symmetric, so a zero stays a zero and a pruned weight stays pruned. Activations have one scale per
tensor, the largest magnitude of the calibration data over 127. Weights have one scale per output channel, except
in the last layer, whose int32 sums are the logits and must share one scale to be comparable. A layer computes

    q_y = requantise(q_x · q_w + q_b),   q_b = b / (s_x s_w),   multiplier / 2**shift = s_x s_w / s_y

as in Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference", CVPR 2018, section 2, with zero points of 0. A ReLU becomes the clamp's lower end.
"""

from __future__ import annotations

import copy

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from skipbeat_arch.errors import InputError
from skipbeat_arch.layer import IntegerLayer
from skipbeat_arch.numbers import requantise_parameters
from skipbeat_arch.workload import Convolution, Gemm, ReductionOrder, Workload

from .network import Flatten, IntegerNetwork, MaxPool, Stage, round_half_up
from .prune import Prunable
from .reduction import reduction_matrix

FloatArray = npt.NDArray[np.float64]

#: A bias is at most this many units, so that a layer of tiny weights and a large bias still fits int32.
_LARGEST_BIAS = 1 << 24
#: Smallest scale that `requantise_parameters` can express, with a margin.
_SMALLEST_RATIO = 2.0**-30


def quantise(model: nn.Sequential, calibration: torch.Tensor, order: ReductionOrder = "kh,kw,cin") -> IntegerNetwork:
    """Quantise a float network of Conv2d, Linear, ReLU, MaxPool2d and Flatten that ends with Conv2d or Linear.

    Dropout and Identity do nothing in a trained network and are dropped.

    Args:
        calibration: float [N, C, H, W], inputs that are representative of what the network will see.
        order: order of the reduction axis of every convolution.

    Raises:
        InputError: a module or an option of one that is not supported, a ReLU that does not follow a layer,
            calibration data of another rank, or sums that could leave int32.
    """
    modules = [(name, m) for name, m in model.named_children() if not isinstance(m, nn.Dropout | nn.Identity)]
    if not modules or not isinstance(modules[-1][1], Prunable):
        raise InputError("network to quantise: expected its last module to be a Linear or a Conv2d")
    if calibration.dim() != 4 or calibration.shape[0] == 0 or not bool(torch.isfinite(calibration).all()):
        raise InputError(f"calibration data of shape {tuple(calibration.shape)}: expected finite numbers [N, C, H, W]")
    x = calibration.to(torch.float64)
    input_scale = scale = _activation_scale(x)
    stages: list[Stage] = []
    position = 0
    while position < len(modules):
        name, module = modules[position]
        position += 1
        if isinstance(module, Prunable):
            relu = position < len(modules) and isinstance(modules[position][1], nn.ReLU)
            position += relu
            y = _forward(module, x, name, relu)
            out_scale = None if position == len(modules) else _activation_scale(y)
            layer, scale = _quantise_layer(name, module, x, order, relu, scale, out_scale)
            stages.append(layer)
            x = y
        else:
            stages.append(_host_stage(name, module))
            x = _forward(module, x, name, relu=False)
    _, channels, height, width = calibration.shape
    return IntegerNetwork(
        stages=tuple(stages), input_shape=(channels, height, width), input_scale=input_scale, logit_scale=scale
    )


def _activation_scale(x: torch.Tensor) -> float:
    largest = float(x.abs().max())
    return largest / 127 if largest > 0 else 1.0


def _forward(module: nn.Module, x: torch.Tensor, name: str, relu: bool) -> torch.Tensor:
    """The module's output in float64, which leaves no rounding noise in the calibration."""
    try:
        with torch.no_grad():
            y: torch.Tensor = copy.deepcopy(module).double()(x)
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"layer {name}: cannot take an input of shape {tuple(x.shape)}: {reason}") from None
    return y.relu() if relu else y


def _quantise_layer(
    name: str, module: Prunable, x: torch.Tensor, order: ReductionOrder, relu: bool, in_scale: float,
    out_scale: float | None,
) -> tuple[IntegerLayer, float]:  # fmt: skip
    """The integer layer and the value of one unit of its output; `out_scale` None makes int32 logits."""
    matrix = reduction_matrix(module.weight.detach(), order).to(torch.float64).numpy()
    real_bias = np.zeros(matrix.shape[1]) if module.bias is None else module.bias.detach().to(torch.float64).numpy()
    if not (np.isfinite(matrix).all() and np.isfinite(real_bias).all()):
        raise InputError(f"layer {name}: expected finite weights and biases")
    scales = _weight_scales(matrix, real_bias, in_scale, last=out_scale is None)
    if out_scale is not None:
        # An output unit finer than a sum's unit would resolve nothing, one far coarser could not be expressed.
        out_scale = max(out_scale, in_scale * float(scales.max()))
        scales = np.maximum(scales, _SMALLEST_RATIO * out_scale / in_scale)
    weight = round_half_up(matrix / scales, -127, 127).astype(np.int8)
    bias = round_half_up(real_bias / (in_scale * scales), -(2**31), 2**31 - 1).astype(np.int32)
    _check_sums(name, weight, bias)
    workload = _workload(name, module, x, order)
    groups = module.groups if isinstance(module, nn.Conv2d) else 1
    if groups > 1:
        weight = weight.reshape(len(weight), groups, -1).transpose(1, 0, 2)
    weight = np.ascontiguousarray(weight)
    if out_scale is None:
        return IntegerLayer(name=name, workload=workload, weight=weight, bias=bias), in_scale * float(scales[0])
    pairs = np.array([requantise_parameters(float(s)) for s in in_scale * scales / out_scale], np.int64)
    layer = IntegerLayer(
        name=name, workload=workload, weight=weight, bias=bias, multiplier=pairs[:, 0], shift=pairs[:, 1],
        low=0 if relu else -128,
    )  # fmt: skip
    return layer, out_scale


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


def _workload(name: str, module: Prunable, x: torch.Tensor, order: ReductionOrder) -> Workload:
    if isinstance(module, nn.Linear):
        if x.dim() != 2:
            raise InputError(f"layer {name}: a Linear needs an input [N, C], not {tuple(x.shape)}; add a Flatten")
        return Gemm(p=1, c=module.in_features, k=module.out_features)
    if module.padding_mode != "zeros" or isinstance(module.padding, str):
        raise InputError(f"layer {name}: expected numeric zero padding, not {module.padding_mode} {module.padding}")
    return Convolution(
        batch=1, c_in=module.in_channels, c_out=module.out_channels, height=x.shape[2], width=x.shape[3],
        kernel=_pair(module.kernel_size), stride=_pair(module.stride), padding=_pair(module.padding),
        dilation=_pair(module.dilation), groups=module.groups, order=order,
    )  # fmt: skip


def _host_stage(name: str, module: nn.Module) -> Stage:
    if isinstance(module, nn.MaxPool2d):
        if module.ceil_mode or module.return_indices or _pair(module.dilation) != (1, 1):
            raise InputError(f"layer {name}: expected MaxPool2d without ceil_mode, return_indices and dilation")
        return MaxPool(
            name=name, kernel=_pair(module.kernel_size), stride=_pair(module.stride), padding=_pair(module.padding)
        )
    if isinstance(module, nn.Flatten) and (module.start_dim, module.end_dim) == (1, -1):
        return Flatten(name=name)
    raise InputError(
        f"layer {name}: {type(module).__name__} is not supported here; expected Conv2d or Linear with an optional "
        "ReLU after it, MaxPool2d or Flatten"
    )


def _pair(value: int | tuple[int, ...]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])
