"""Momentum and decay in fixed point: 32-bit master weights and momenta, gradients of 40 bits, weights of 8 out.

v' = mu * v + gradient * g + decay * w, and w' = w - rate * v'. Each product is rounded to the unit of its sum, half up,
and both sums saturate at 32 bits. A weight that the forward mask drops has another decay: with SR-STE it is larger by
2e-4. The byte of a weight is w' >> shift, rounded half up and clamped to -127..127, with one shift per output column.

Units are powers of two that the program chooses: of w 2^-28 or so, which leaves it -8..8; of v so that its largest
value has about 28 bits. The coefficients carry the differences of the units, as a mantissa of 16 bits and a shift.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..arrays import BoolArray, Int8Array, Int32Array, Int64Array, IntArray
from .ranks import LARGEST

MASTER_BITS = 32
MANTISSA_BITS = 16
MOST_SHIFT = 63
_LOW, _HIGH = -(1 << (MASTER_BITS - 1)), (1 << (MASTER_BITS - 1)) - 1


@dataclass(frozen=True)
class Coefficient:
    """mantissa * 2^-shift: 16 bits and 6."""

    mantissa: int
    shift: int

    @classmethod
    def of(cls, value: float) -> Coefficient:
        """The nearest one, within 2^-16 of it.

        Raises:
            ValueError: it is negative, not finite, or 2^16 and more.
        """
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"expected a coefficient of at least 0, not {value}")
        fraction, exponent = math.frexp(value)
        shift = min(MANTISSA_BITS - exponent, MOST_SHIFT)
        mantissa = round(math.ldexp(value, shift)) if fraction else 0
        if mantissa >> MANTISSA_BITS:
            mantissa, shift = mantissa >> 1, shift - 1
        if shift < 0:
            raise ValueError(f"expected a coefficient below 65536, not {value}")
        return cls(mantissa, shift)

    def times(self, values: IntArray) -> Int64Array:
        """The products, rounded half up: int64, from up to 40 bits."""
        return rounded_shift(values.astype(np.int64) * self.mantissa, self.shift)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Coefficients of a step: `decay` of a weight that is kept, `dropped_decay` of one that is not."""

    momentum: Coefficient
    gradient: Coefficient
    decay: Coefficient
    dropped_decay: Coefficient
    rate: Coefficient


def rounded_shift(values: Int64Array, shift: int | IntArray) -> Int64Array:
    """values / 2^shift, rounded half up; a shift of 0 changes nothing."""
    bits = np.asarray(shift, np.int64)
    half = np.where(bits > 0, np.int64(1) << np.maximum(bits - 1, 0), 0)
    return (values + half) >> bits


def update(
    rule: Rule, weights: Int32Array, momenta: Int32Array, gradients: Int64Array, kept: BoolArray
) -> tuple[Int32Array, Int32Array]:
    """New weights and momenta, int32; all four arrays have one shape, `kept` is the forward mask of `weights`."""
    decayed = np.where(kept, rule.decay.times(weights), rule.dropped_decay.times(weights))
    velocity = _saturated(rule.momentum.times(momenta) + rule.gradient.times(gradients) + decayed)
    return _saturated(weights.astype(np.int64) - rule.rate.times(velocity)), velocity


def to_bytes(weights: Int32Array, shifts: IntArray) -> Int8Array:
    """int8 [..., K] from master weights int32 [..., K] and a shift in 0..31 for each column, int [K]."""
    rounded = rounded_shift(weights.astype(np.int64), shifts)
    return np.clip(rounded, -LARGEST, LARGEST).astype(np.int8)


def _saturated(values: Int64Array) -> Int32Array:
    return np.clip(values, _LOW, _HIGH).astype(np.int32)
