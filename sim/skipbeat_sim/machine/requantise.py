"""The arithmetic of the output stage, for a vector of columns at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.numbers import MULTIPLIER_BITS
from skipbeat_arch.training.rounding import SUM_BITS

_SIGN = np.int64(1 << 31)
_MULTIPLIER = np.int64((1 << MULTIPLIER_BITS) - 1)
#: Below this, the products and their sum stay inside 64 bits.
_EXACT = 1 << 31
_NOTED_SIGN = 1 << (SUM_BITS - 1)


def signed(sums: Int64Array) -> Int64Array:
    """Sums of 32 bits, int64 [V], that were read without a sign."""
    found: Int64Array = (sums ^ _SIGN) - _SIGN
    return found


class Parameters:
    """Bias, multiplier, residual multiplier and shift of V channels.

    Args:
        stored: the 13 vectors of a block, as they lie in the parameter memory.
        vector: V.
    """

    def __init__(self, stored: Sequence[int], vector: int) -> None:
        data = b"".join(word.to_bytes(vector, "little") for word in stored)
        words = np.frombuffer(data[: 12 * vector], "<i4").reshape(3, vector).astype(np.int64)
        self._bias = words[0]
        self._multiplier, self._residual_multiplier = words[1:] & _MULTIPLIER
        self._shift = np.frombuffer(data[12 * vector :], np.uint8).astype(np.int64) & 63
        self._half = (np.int64(1) << self._shift) >> 1

    @property
    def first_shift(self) -> int:
        """Of the block's first column."""
        return int(self._shift[0])

    def with_bias(self, sums: Int64Array) -> Int64Array:
        """Sums (int64 [V]) plus bias: 33 bits."""
        total: Int64Array = sums + self._bias
        return total

    def requantise(self, sums: Int64Array, residual: Int64Array | None, low: int, high: int) -> Int64Array:
        """`clamp((a * multiplier + r * residual_multiplier + 2**(shift-1)) >> shift, low, high)`, int64 [V].

        Args:
            sums: as for `with_bias`; residual: int64 [V], None: zero.
            low, high: of int8.
        """
        rounded = (self._scaled(sums, residual) + self._half) >> self._shift
        return _clamped(rounded, low, high)

    def note(
        self, sums: Int64Array, residual: Int64Array | None, low: int, high: int
    ) -> tuple[Int64Array, Int64Array, Int64Array]:
        """The bytes of a noted job, what is shifted in 40 bits, and 1 for each byte that counts as clipped."""
        scaled = self._scaled(sums, residual)
        rounded = (scaled + self._half) >> self._shift
        clipped = (rounded > high) | ((rounded < low) & (-128 < low < 0))
        noted = ((scaled & (2 * _NOTED_SIGN - 1)) ^ _NOTED_SIGN) - _NOTED_SIGN
        least = (scaled > 0) & (rounded == 0) & (low == 0)
        made = _clamped(rounded, low, high) + least
        return made, noted.astype(np.int64), clipped.astype(np.int64)

    def _scaled(self, sums: Int64Array, residual: Int64Array | None) -> Int64Array:
        total = self.with_bias(sums)
        if np.abs(total).max() >= _EXACT:
            total = total.astype(object)  # 33 bits times 31 plus a residual do not fit in 64
        scaled: Int64Array = total * self._multiplier
        if residual is not None:
            scaled = scaled + residual * self._residual_multiplier
        return scaled


def _clamped(rounded: Int64Array, low: int, high: int) -> Int64Array:
    clamped: Int64Array = np.minimum(np.maximum(rounded, low), high).astype(np.int64)
    return clamped
