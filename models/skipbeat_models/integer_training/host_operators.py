"""What the host computes in a training step, forward and backward, in float64: each by its name."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy, max_pool2d

from skipbeat_arch.arrays import BoolArray, FloatArray, Int8Array, Int64Array
from skipbeat_arch.graph import Pool

from ..max_windows import separate_windows
from .optimiser_step import OptimiserStep
from .scaled import Map, Scaled, Stored, real


class HostOperator(Protocol):
    """An operator of one or two maps [N, C, H, W]; `backward` is that of the last `forward` with `training`."""

    name: str

    def forward(self, inputs: list[Map], training: bool) -> Map: ...
    def backward(self, gradient: Map) -> list[Map]: ...
    def update(self, step: OptimiserStep) -> None: ...


class _Plain:
    """An operator without parameters."""

    def update(self, step: OptimiserStep) -> None:
        """There is nothing to train."""


class MaxPool(_Plain):
    """Maximum over windows; its gradient goes to the first largest element. Bytes stay bytes if windows do not meet.

    Of bytes that were stored the sums before rounding are compared: several bytes of a window are often the largest.
    """

    name = "max_pool2d"

    def __init__(self, module: nn.MaxPool2d) -> None:
        self._module = module
        sizes, strides = (_pair(size) for size in (module.kernel_size, module.stride))
        self._apart = all(size <= stride for size, stride in zip(sizes, strides, strict=True)) and module.dilation == 1

    def forward(self, inputs: list[Map], training: bool) -> Map:
        x, module = inputs[0], self._module
        compared = x.sums.astype(np.float64) if isinstance(x, Stored) else real(x)
        sizes = module.kernel_size, module.stride, module.padding, module.dilation, module.ceil_mode
        pooled, self._places = max_pool2d(torch.from_numpy(compared), *sizes, return_indices=True)
        self._shape = compared.shape
        return Scaled(self._largest(x.mantissas), x.exponent) if isinstance(x, Scaled) else pooled.numpy()

    def backward(self, gradient: Map) -> list[Map]:
        if isinstance(gradient, Scaled) and self._apart:
            spread = self._spread(gradient.mantissas.astype(np.float64))
            return [Scaled(spread.astype(np.int8), gradient.exponent)]
        return [self._spread(real(gradient))]

    def _largest(self, mantissas: Int8Array) -> Int8Array:
        """The bytes of the places; rounding and clamps keep the order of the sums, so none of a window is larger."""
        maps = torch.from_numpy(mantissas).flatten(2)
        found: Int8Array = maps.gather(2, self._places.flatten(2)).reshape(self._places.shape).numpy()
        return found

    def _spread(self, gradient: FloatArray) -> FloatArray:
        images, channels, height, width = self._shape
        values = torch.from_numpy(np.ascontiguousarray(gradient)).reshape(images, channels, -1)
        spread = torch.zeros(images, channels, height * width, dtype=torch.float64)
        spread.scatter_add_(2, self._places.reshape(values.shape), values)
        found: FloatArray = spread.reshape(self._shape).numpy()
        return found


def stored_windows(module: nn.MaxPool2d) -> Pool | None:
    """Its windows, if a STORE can pool them."""
    kernel, stride, padding, dilation = (
        _pair(size) for size in (module.kernel_size, module.stride, module.padding, module.dilation)
    )
    pool = Pool(kernel=kernel, stride=stride)
    return pool if separate_windows(pool, padding=padding, dilation=dilation, ceil=module.ceil_mode) else None


class Relu(_Plain):
    """max(x, 0), behind another operator of the host."""

    name = "relu"

    def forward(self, inputs: list[Map], training: bool) -> Map:
        x = real(inputs[0])
        self._open: BoolArray = x > 0
        return np.maximum(x, 0)

    def backward(self, gradient: Map) -> list[Map]:
        return [np.where(self._open, real(gradient), 0)]


class Addition(_Plain):
    """The sum of two maps."""

    name = "add"

    def forward(self, inputs: list[Map], training: bool) -> Map:
        return real(inputs[0]) + real(inputs[1])

    def backward(self, gradient: Map) -> list[Map]:
        return [gradient, gradient]


class Average(_Plain):
    """The mean of each map, [N, C, 1, 1]."""

    name = "adaptive_avg_pool2d"

    def forward(self, inputs: list[Map], training: bool) -> Map:
        x = real(inputs[0])
        self._shape = x.shape
        mean: FloatArray = x.mean(axis=(2, 3), keepdims=True)
        return mean

    def backward(self, gradient: Map) -> list[Map]:
        pixels = self._shape[2] * self._shape[3]
        return [np.broadcast_to(real(gradient) / pixels, self._shape)]


class BatchNorm:
    """Batch normalisation with the statistics of the batch, whose scale and offset train here in real numbers."""

    name = "batch_norm"

    def __init__(self, module: nn.BatchNorm2d) -> None:
        size = module.num_features
        self._epsilon, self._pace = module.eps, 0.1 if module.momentum is None else module.momentum
        self._mean, self._variance = np.zeros(size), np.ones(size)
        self.parameters = np.stack([np.ones(size), np.zeros(size)])
        self._momenta, self._gradients = np.zeros((2, size)), np.zeros((2, size))

    def forward(self, inputs: list[Map], training: bool) -> Map:
        x = real(inputs[0])
        mean, variance = self._mean, self._variance
        if training:
            mean, variance = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
            count = x.size // len(mean)
            self._mean += self._pace * (mean - self._mean)
            self._variance += self._pace * (variance * count / (count - 1) - self._variance)
        self._inverse = 1 / np.sqrt(variance + self._epsilon)
        self._normal = (x - _wide(mean)) * _wide(self._inverse)
        return self._normal * _wide(self.parameters[0]) + _wide(self.parameters[1])

    def backward(self, gradient: Map) -> list[Map]:
        dy = real(gradient)
        self._gradients = np.stack([(dy * self._normal).sum(axis=(0, 2, 3)), dy.sum(axis=(0, 2, 3))])
        count = dy.size // len(self._inverse)
        to_scale, to_offset = (_wide(each / count) for each in self._gradients)
        return [_wide(self.parameters[0] * self._inverse) * (dy - to_offset - self._normal * to_scale)]

    def update(self, step: OptimiserStep) -> None:
        self._momenta = step.momentum * self._momenta + self._gradients
        self.parameters = self.parameters - step.rate * self._momenta


def loss_and_gradient(logits: FloatArray, labels: Int64Array) -> tuple[float, FloatArray]:
    """Cross-entropy of logits [N, classes], the mean of the batch, and its gradient."""
    values = torch.from_numpy(logits).requires_grad_()
    loss = cross_entropy(values, torch.from_numpy(labels))
    (gradient,) = torch.autograd.grad(loss, values)
    found: FloatArray = gradient.numpy()
    return float(loss.detach()), found


def _wide(values: FloatArray) -> FloatArray:
    """Of channels, along maps."""
    return values[:, None, None]


def _pair(size: int | tuple[int, ...]) -> tuple[int, int]:
    if isinstance(size, int):
        return size, size
    down, across = size
    return down, across
