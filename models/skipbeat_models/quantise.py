"""Post-training quantisation of a sequential network to int8: scales from calibration, layer by layer."""

from __future__ import annotations

import copy

import torch
from torch import nn

from skipbeat_arch.errors import InputError
from skipbeat_arch.workload import Gemm, ReductionOrder, Workload

from .network import Flatten, IntegerNetwork, MaxPool, Stage
from .pruners.layers import Prunable
from .quantise_layer import Scales, activation_scale, convolution_workload, pair, quantise_layer


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
    input_scale = scale = activation_scale(float(x.abs().max()))
    stages: list[Stage] = []
    position = 0
    while position < len(modules):
        name, module = modules[position]
        position += 1
        if isinstance(module, Prunable):
            relu = position < len(modules) and isinstance(modules[position][1], nn.ReLU)
            position += relu
            y = _forward(module, x, name, relu)
            out_scale = None if position == len(modules) else activation_scale(float(y.abs().max()))
            scales = Scales(input=scale, output=out_scale)
            quantised = quantise_layer(name, module, _workload(name, module, x, order), order, scales, relu=relu)
            stages.append(quantised.layer)
            scale = quantised.scale
            x = y
        else:
            stages.append(_host_stage(name, module))
            x = _forward(module, x, name, relu=False)
    _, channels, height, width = calibration.shape
    return IntegerNetwork(
        stages=tuple(stages), input_shape=(channels, height, width), input_scale=input_scale, logit_scale=scale
    )


def _forward(module: nn.Module, x: torch.Tensor, name: str, relu: bool) -> torch.Tensor:
    """The module's output in float64, which leaves no rounding noise in the calibration."""
    try:
        with torch.no_grad():
            y: torch.Tensor = copy.deepcopy(module).double()(x)
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"layer {name}: cannot take an input of shape {tuple(x.shape)}: {reason}") from None
    return y.relu() if relu else y


def _workload(name: str, module: Prunable, x: torch.Tensor, order: ReductionOrder) -> Workload:
    if isinstance(module, nn.Linear):
        if x.dim() != 2:
            raise InputError(f"layer {name}: a Linear needs an input [N, C], not {tuple(x.shape)}; add a Flatten")
        return Gemm(p=1, c=module.in_features, k=module.out_features)
    return convolution_workload(name, module, (x.shape[2], x.shape[3]), order)


def _host_stage(name: str, module: nn.Module) -> Stage:
    if isinstance(module, nn.MaxPool2d):
        return max_pool_stage(name, module)
    if isinstance(module, nn.Flatten) and (module.start_dim, module.end_dim) == (1, -1):
        return Flatten(name=name)
    raise InputError(
        f"layer {name}: {type(module).__name__} is not supported here; expected Conv2d or Linear with an optional "
        "ReLU after it, MaxPool2d or Flatten"
    )


def max_pool_stage(name: str, module: nn.MaxPool2d) -> MaxPool:
    """A MaxPool2d as a stage.

    Raises:
        InputError: an option that is not supported.
    """
    if module.ceil_mode or module.return_indices or pair(module.dilation) != (1, 1):
        raise InputError(f"layer {name}: expected MaxPool2d without ceil_mode, return_indices and dilation")
    return MaxPool(name=name, kernel=pair(module.kernel_size), stride=pair(module.stride), padding=pair(module.padding))
