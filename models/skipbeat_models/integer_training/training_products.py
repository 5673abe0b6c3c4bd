"""Who multiplies for a layer that trains: exactly, in numbers, or something that must find the same sums."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
import torch
from torch.nn.functional import conv2d
from torch.nn.grad import conv2d_input, conv2d_weight

from skipbeat_arch.arrays import Int8Array, Int64Array, UInt32Array
from skipbeat_arch.workload import Convolution

from .activation_store import ActivationStore, stored_activations
from .gradient_store import GradientStore, stored
from .stored_bytes import StoredBytes
from .vectors import Vectors

Shape = tuple[int, ...]
#: torch ships these without types.
_conv2d_input: Callable[..., torch.Tensor] = conv2d_input
_conv2d_weight: Callable[..., torch.Tensor] = conv2d_weight


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """How a kernel moves over its map, height first."""

    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    @property
    def arguments(self) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int], int]:
        """In torch's order."""
        return self.stride, self.padding, self.dilation, self.groups

    def convolution(self, x: Shape, weight: Shape) -> Convolution:
        """Of one image, for an input [N, C, H, W] and a weight [K, C / groups, kh, kw]."""
        return Convolution(
            batch=1,
            c_in=x[1],
            c_out=weight[0],
            height=x[2],
            width=x[3],
            kernel=(weight[2], weight[3]),
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
        )


class Products(Protocol):
    """The three products of a step, of bytes; their sums are exact.

    `layer` is its name, x int8 [N, C, H, W], weight int8 [K, C / groups, kh, kw], bias int64 [K], and gradient int8
    [N, K, H', W'].
    """

    def forward(self, layer: str, x: Int8Array, weight: Int8Array, bias: Int64Array, geometry: Geometry) -> Int64Array:
        """Y = X · W + bias in the gradient's shape."""
        ...

    def activations(
        self, layer: str, x: Int8Array, weight: Int8Array, bias: Int64Array, geometry: Geometry, store: ActivationStore
    ) -> StoredBytes:
        """The same as it is stored."""
        ...

    def backward(
        self, layer: str, gradient: Int8Array, weight: Int8Array, geometry: Geometry, shape: Shape, store: GradientStore
    ) -> StoredBytes:
        """dX = dY · W^T in `shape`, that of X, as it is stored."""
        ...

    def update(self, layer: str, x: Int8Array, gradient: Int8Array, geometry: Geometry, shape: Shape) -> Int64Array:
        """dW = X^T · dY in `shape`, that of the weight."""
        ...


class Draws(Protocol):
    """Who knows what is drawn as a layer's dX is stored; arguments are those of `Products.backward`."""

    def gradient_draws(
        self, layer: str, gradient: Int8Array, weight: Int8Array, geometry: Geometry, shape: Shape, store: GradientStore
    ) -> UInt32Array:
        """A draw for each element, uint32 in `shape`."""
        ...


@dataclass(frozen=True)
class TensorDraws:
    """Draws along a tensor as it lies in memory, as if one store wrote all of it: what the host draws."""

    vectors: Vectors

    def gradient_draws(
        self, layer: str, gradient: Int8Array, weight: Int8Array, geometry: Geometry, shape: Shape, store: GradientStore
    ) -> UInt32Array:
        """A draw for each element, uint32 in `shape`."""
        return self.vectors.draws(shape, store.seed)


class ExactProducts:
    """The oracle's products, in float64: it holds sums of 40 bits exactly. `draws` are those of its stores."""

    def __init__(self, draws: Draws) -> None:
        self.draws = draws

    def forward(self, layer: str, x: Int8Array, weight: Int8Array, bias: Int64Array, geometry: Geometry) -> Int64Array:
        """Y = X · W + bias."""
        return _integers(conv2d(_real(x), _real(weight), None, *geometry.arguments)) + bias[:, None, None]

    def activations(
        self, layer: str, x: Int8Array, weight: Int8Array, bias: Int64Array, geometry: Geometry, store: ActivationStore
    ) -> StoredBytes:
        """Y as it is stored."""
        return stored_activations(self.forward(layer, x, weight, bias, geometry), store)

    def backward(
        self, layer: str, gradient: Int8Array, weight: Int8Array, geometry: Geometry, shape: Shape, store: GradientStore
    ) -> StoredBytes:
        """dX = dY · W^T, as it is stored."""
        draws = partial(self.draws.gradient_draws, layer, gradient, weight, geometry, shape)
        return stored(self.input_sums(gradient, weight, geometry, shape), store, draws)

    def input_sums(self, gradient: Int8Array, weight: Int8Array, geometry: Geometry, shape: Shape) -> Int64Array:
        """dX = dY · W^T before it is stored."""
        return _integers(_conv2d_input(shape, _real(weight), _real(gradient), *geometry.arguments))

    def update(self, layer: str, x: Int8Array, gradient: Int8Array, geometry: Geometry, shape: Shape) -> Int64Array:
        """dW = X^T · dY."""
        return _integers(_conv2d_weight(_real(x), shape, _real(gradient), *geometry.arguments))


def _real(values: Int8Array) -> torch.Tensor:
    return torch.from_numpy(values.astype(np.float64))


def _integers(sums: torch.Tensor) -> Int64Array:
    found: Int64Array = sums.numpy().astype(np.int64)
    return found
