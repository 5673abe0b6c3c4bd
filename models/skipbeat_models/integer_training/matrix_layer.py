"""A convolution that trains in integers: its master weights, the tiles made of them, and the three products of a step.

A linear layer is a convolution whose kernel covers the map. Each product takes bytes and gives sums of 40 bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from skipbeat_arch.arrays import BoolArray, FloatArray, Int8Array, Int64Array
from skipbeat_arch.errors import InputError
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.training.noted import MOST_APART, SPARE_SHIFT
from skipbeat_arch.training.ranks import kept_by_rank
from skipbeat_arch.training.rounding import SUM_BITS, column_shifts
from skipbeat_arch.training.update_rule import rounded_shift, to_bytes

from .activation_store import ActivationStore
from .gradient_store import GradientStore
from .optimiser_step import WEIGHT_EXPONENT, Master, OptimiserStep
from .scaled import Scaled, Sums
from .stored_bytes import StoredBytes
from .training_products import Geometry, Products, Shape


@dataclass(frozen=True, kw_only=True)
class LayerPatterns:
    """What a layer keeps: of its weights along input and output channels, and of dY along the images."""

    forward: Pattern
    backward: Pattern
    update: Pattern


@dataclass(frozen=True, kw_only=True, eq=False)
class Tiles:
    """The bytes that stay in the array, [K, C / groups, kh, kw], and which are kept; a column's unit is 2^units."""

    dense: Int8Array
    mask: BoolArray
    units: Int64Array

    @property
    def kept(self) -> Int8Array:
        """The bytes with zeros where they are dropped."""
        return np.where(self.mask, self.dense, np.int8(0))


class MatrixLayer:
    """Master weights [K, C / groups, kh, kw] and biases [K]; every product is one of bytes, and `products` makes it.

    Raises:
        InputError: weights outside -8 .. 8.
    """

    def __init__(
        self,
        name: str,
        weight: FloatArray,
        bias: FloatArray | None,
        geometry: Geometry,
        patterns: LayerPatterns,
        products: Products,
    ) -> None:
        self.name, self.geometry, self.patterns, self._products = name, geometry, patterns, products
        self.weight = Master(name, weight)
        self.bias = None if bias is None else Master(name, bias)
        self.make_tiles()

    def make_tiles(self) -> None:
        """Choose bytes and masks of both passes from the master weights, once per update.

        The forward pass has a unit for each output channel, of which none is much finer than the coarsest. The
        backward pass has one for all: the gradient that it stores is rounded by one shift.
        """
        master, groups = self.weight.values, self.geometry.groups
        columns = column_shifts(np.moveaxis(master, 0, -1))
        columns = np.maximum(columns, columns.max() - MOST_APART)
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
        sums = self._products.forward(self.name, x.mantissas, self.ahead.kept, self._biases(x), self.geometry)
        return Sums(self._fitting(sums), self.forward_units(x))

    def activations(self, x: Scaled, store: ActivationStore) -> StoredBytes:
        """Y as it is stored.

        Raises:
            InputError: its sums do not fit 40 bits, in the finest unit and doubled.
        """
        kept, biases = self.ahead.kept, self._biases(x)
        found = self._products.activations(self.name, x.mantissas, kept, biases, self.geometry, store)
        if found.bits >= SUM_BITS - SPARE_SHIFT:
            self._too_large()
        return found

    def output_shape(self, x: Scaled) -> Shape:
        """[N, K, H, W] of the sums of Y."""
        weight = self.weight.values.shape
        return len(x.mantissas), weight[0], *self.geometry.convolution(x.mantissas.shape, weight).out_size

    def forward_units(self, x: Scaled) -> Int64Array:
        """The exponents of the units that the sums of Y have, int64 [K]."""
        return self.ahead.units + x.exponent

    def _biases(self, x: Scaled) -> Int64Array:
        units = self.forward_units(x)
        if self.bias is None:
            return np.zeros_like(units)
        return _in_units(self.bias.values.astype(np.int64), units)

    def backward(self, gradient: Scaled, shape: Shape, store: GradientStore) -> StoredBytes:
        """dX = dY · W^T of an input [N, C, H, W] of that shape, as it is stored.

        Raises:
            InputError: its sums do not fit 40 bits.
        """
        dy, weight = gradient.mantissas, self.back.kept
        found = self._products.backward(self.name, dy, weight, self.geometry, shape, store)
        if found.bits >= SUM_BITS:
            self._too_large()
        return found

    def backward_unit(self, gradient: Scaled) -> int:
        """The exponent of the unit that the sums of dX have in all channels."""
        return int(self.back.units[0]) + gradient.exponent

    def gradient(self, x: Scaled, gradient: Scaled) -> Int64Array:
        """dW = X^T · dY in the weights' shape; its unit is that of a product of both."""
        shape = self.weight.values.shape
        return self._fitting(self._products.update(self.name, x.mantissas, gradient.mantissas, self.geometry, shape))

    def update(self, step: OptimiserStep, x: Scaled, gradient: Scaled) -> None:
        """Train the weights on the gradient that X and dY make, and the biases on the sum of dY, without decay."""
        exponent = gradient.exponent + x.exponent
        self.weight.update(step, self.gradient(x, gradient), exponent, self.ahead.mask)
        if self.bias is not None:
            sums = gradient.mantissas.sum(axis=(0, 2, 3), dtype=np.int64)
            kept = np.ones(sums.shape, np.bool_)
            self.bias.update(step.without_decay(), sums, gradient.exponent, kept)
        self.make_tiles()

    def _fitting(self, sums: Int64Array) -> Int64Array:
        """The same sums.

        Raises:
            InputError: they do not fit 40 bits.
        """
        if int(np.abs(sums).max(initial=0)) >= 1 << (SUM_BITS - 1):
            self._too_large()
        return sums

    def _too_large(self) -> NoReturn:
        raise InputError(f"layer {self.name}: its sums do not fit {SUM_BITS} bits")


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


def _in_units(biases: Int64Array, units: Int64Array) -> Int64Array:
    """Biases in units of 2^-28 in others, rounded half up where those are coarser."""
    shifts = units - WEIGHT_EXPONENT
    return rounded_shift(biases << np.maximum(-shifts, 0), np.maximum(shifts, 0))
