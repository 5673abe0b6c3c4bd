"""A convolution that trains in integers: its master weights, the tiles made of them, and the three products of a step.

A linear layer is a convolution whose kernel covers the map. Each product takes bytes and gives sums of 40 bits, which
float64 holds exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import conv2d
from torch.nn.grad import conv2d_input, conv2d_weight

from skipbeat_arch.arrays import BoolArray, FloatArray, Int8Array, Int64Array
from skipbeat_arch.errors import InputError
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.training.ranks import kept_by_rank
from skipbeat_arch.training.rounding import SUM_BITS, column_shifts
from skipbeat_arch.training.update_rule import rounded_shift, to_bytes

from .optimiser_step import WEIGHT_EXPONENT, Master, OptimiserStep
from .scaled import Scaled, Sums

Shape = tuple[int, ...]
#: torch ships these without types.
_conv2d_input: Callable[..., torch.Tensor] = conv2d_input
_conv2d_weight: Callable[..., torch.Tensor] = conv2d_weight


@dataclass(frozen=True, kw_only=True)
class LayerPatterns:
    """What a layer keeps: of its weights along input and output channels, and of dY along the images."""

    forward: Pattern
    backward: Pattern
    update: Pattern


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


@dataclass(frozen=True, kw_only=True, eq=False)
class Tiles:
    """The bytes that stay in the array, [K, C / groups, kh, kw], and which are kept; a column's unit is 2^units."""

    dense: Int8Array
    mask: BoolArray
    units: Int64Array

    @property
    def kept(self) -> FloatArray:
        """The bytes with zeros where they are dropped."""
        return np.where(self.mask, self.dense, 0).astype(np.float64)


class MatrixLayer:
    """Master weights [K, C / groups, kh, kw] and biases [K]; every product is one of bytes.

    Raises:
        InputError: weights outside -8 .. 8.
    """

    def __init__(
        self, name: str, weight: FloatArray, bias: FloatArray | None, geometry: Geometry, patterns: LayerPatterns
    ) -> None:
        self.name, self.geometry, self.patterns = name, geometry, patterns
        self.weight = Master(name, weight)
        self.bias = None if bias is None else Master(name, bias)
        self.make_tiles()

    def make_tiles(self) -> None:
        """Choose bytes and masks of both passes from the master weights, once per update.

        The forward pass has a unit for each output channel. The backward pass has one for all: the gradient that it
        stores is rounded by one shift.
        """
        master, groups = self.weight.values, self.geometry.groups
        columns = column_shifts(np.moveaxis(master, 0, -1))
        dense = to_bytes(np.moveaxis(master, 0, -1), columns)
        dense = np.ascontiguousarray(np.moveaxis(dense, -1, 0))
        mask = rank_mask(dense, 1, self.patterns.forward)
        self.ahead = Tiles(dense=dense, mask=mask, units=columns + WEIGHT_EXPONENT)
        shift = columns.max(keepdims=True)
        dense = to_bytes(master, shift)
        parts = dense.reshape(groups, -1, *dense.shape[1:])
        mask = rank_mask(parts, 1, self.patterns.backward).reshape(dense.shape)
        self.back = Tiles(dense=dense, mask=mask, units=shift + WEIGHT_EXPONENT)

    def forward(self, x: Scaled) -> Sums:
        """Y = X · W + bias, with a unit for each output channel."""
        weight = torch.from_numpy(self.ahead.kept)
        sums = self._exact(conv2d(_real(x), weight, None, *self.geometry.arguments))
        units = self.ahead.units + x.exponent
        if self.bias is not None:
            sums += _in_units(self.bias.values.astype(np.int64), units)[:, None, None]
        return Sums(sums, units)

    def backward(self, gradient: Scaled, shape: Shape) -> Sums:
        """dX = dY · W^T of an input [N, C, H, W] of that shape, with one unit for all channels."""
        weight = torch.from_numpy(self.back.kept)
        sums = self._exact(_conv2d_input(shape, weight, _real(gradient), *self.geometry.arguments))
        return Sums(sums, np.full(shape[1], int(self.back.units[0]) + gradient.exponent))

    def gradient(self, x: Scaled, gradient: Scaled) -> Int64Array:
        """dW = X^T · dY in the weights' shape; its unit is that of a product of both."""
        shape = self.weight.values.shape
        return self._exact(_conv2d_weight(_real(x), shape, _real(gradient), *self.geometry.arguments))

    def update(self, step: OptimiserStep, x: Scaled, gradient: Scaled) -> None:
        """Train the weights on the gradient that X and dY make, and the biases on the sum of dY, without decay."""
        exponent = gradient.exponent + x.exponent
        self.weight.update(step, self.gradient(x, gradient), exponent, self.ahead.mask)
        if self.bias is not None:
            sums = gradient.mantissas.sum(axis=(0, 2, 3), dtype=np.int64)
            kept = np.ones(sums.shape, np.bool_)
            self.bias.update(step.without_decay(), sums, gradient.exponent, kept)
        self.make_tiles()

    def _exact(self, sums: torch.Tensor) -> Int64Array:
        """As integers.

        Raises:
            InputError: they do not fit 40 bits.
        """
        found: Int64Array = sums.numpy().astype(np.int64)
        if int(np.abs(found).max(initial=0)) >= 1 << (SUM_BITS - 1):
            raise InputError(f"layer {self.name}: its sums do not fit {SUM_BITS} bits")
        return found


def rank_mask(values: Int8Array, axis: int, pattern: Pattern) -> BoolArray:
    """The N of each M along an axis that have the largest magnitudes; of a last group of N or fewer, all."""
    if pattern.kind == "dense":
        return np.ones(values.shape, np.bool_)
    lines = np.moveaxis(values, axis, -1)
    count = lines.shape[-1]
    padded = np.zeros((*lines.shape[:-1], -(-count // pattern.m) * pattern.m), np.int8)
    padded[..., :count] = lines
    kept = kept_by_rank(padded.reshape(*lines.shape[:-1], -1, pattern.m), pattern.n)
    return np.ascontiguousarray(np.moveaxis(kept.reshape(padded.shape)[..., :count], -1, axis))


def _real(value: Scaled) -> torch.Tensor:
    return torch.from_numpy(value.mantissas.astype(np.float64))


def _in_units(biases: Int64Array, units: Int64Array) -> Int64Array:
    """Biases in units of 2^-28 in others, rounded half up where those are coarser."""
    shifts = units - WEIGHT_EXPONENT
    return rounded_shift(biases << np.maximum(-shifts, 0), np.maximum(shifts, 0))
