"""Maps as training has them: bytes with one power-of-two unit, or real numbers that are on the host."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from skipbeat_arch.arrays import BoolArray, FloatArray, Int8Array, Int64Array, UInt32Array
from skipbeat_arch.training.lfsr import DRAW_BITS
from skipbeat_arch.training.ranks import LARGEST


@dataclass(frozen=True, eq=False)
class Scaled:
    """Bytes [N, C, H, W] whose unit is 2^exponent."""

    mantissas: Int8Array
    exponent: int

    def real(self) -> FloatArray:
        """The numbers that they stand for, exactly."""
        return np.ldexp(self.mantissas.astype(np.float64), self.exponent)

    def where(self, kept: BoolArray) -> Scaled:
        """The same with zeros elsewhere."""
        return Scaled(np.where(kept, self.mantissas, np.int8(0)), self.exponent)


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums [N, K, H, W] of 40 bits; the unit of channel k is 2^units[k]."""

    values: Int64Array
    units: Int64Array

    def real(self) -> FloatArray:
        """The numbers that they stand for, exactly."""
        return np.ldexp(self.values.astype(np.float64), self.units[:, None, None].astype(np.int32))


@dataclass(frozen=True, eq=False)
class Stored(Scaled):
    """Bytes of a store with the sums int64 [N, C, H, W] that they were rounded from, which tell equal bytes apart."""

    sums: Int64Array


#: Powers of two by which a map's unit may be finer than its largest magnitude needs.
_FINER = 2
#: What operators hand to each other.
Map = Scaled | FloatArray


def real(value: Map) -> FloatArray:
    """The numbers of a map."""
    return value.real() if isinstance(value, Scaled) else value


def fitting_exponent(largest: float) -> int:
    """The smallest exponent of a unit for which a magnitude fits 127 units; 0 for 0."""
    mantissa, exponent = math.frexp(largest / LARGEST)
    return exponent - (mantissa == 0.5)


def nearest(values: FloatArray) -> Scaled:
    """As the host stores a map: rounded half up and clamped, in the unit that leaves the least sum of squared errors.

    That is the one that the largest magnitude needs, or one of the next finer ones: a few clamped values may cost less.
    """
    widest = fitting_exponent(float(np.abs(values).max(initial=0)))
    found = [_rounded(values, widest - finer) for finer in range(_FINER + 1)]
    return min(found, key=lambda each: float(np.square(each.real() - values).sum()))


def _rounded(values: FloatArray, exponent: int) -> Scaled:
    whole = np.floor(np.ldexp(values, -exponent) + 0.5).clip(-LARGEST, LARGEST)
    return Scaled(whole.astype(np.int8), exponent)


def dithered(values: FloatArray, draws: UInt32Array) -> Scaled:
    """As the host stores a gradient: rounded stochastically, so that its mean is the gradient."""
    exponent = fitting_exponent(float(np.abs(values).max(initial=0)))
    return Scaled(np.floor(np.ldexp(values, -exponent) + np.ldexp(draws, -DRAW_BITS)).astype(np.int8), exponent)
