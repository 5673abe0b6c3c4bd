"""Bytes of a layer's output that trains: rounded half up, with a sign that can be read from them, and noted.

A column's sum is brought to the tensor's finest unit by a multiplier, a power of two, and the shift of the STORE to the
unit of the bytes. Behind a clamp at 0 a sum above 0 never becomes 0, so that the bytes tell where the clamp let sums
pass: its derivative. Of the sums in that finest unit the size is noted, as stochastic rounding does (`rounding`).
"""

from __future__ import annotations

import numpy as np

from ..arrays import BoolArray, Int8Array, Int64Array

#: Units of a tensor's columns lie at most so many powers of two apart, so that sums of 28 bits keep within 40.
MOST_APART = 10
#: A STORE's shift is at least 1, so multiplier and shift are one power of two more than they must be, and so is PEAK.
SPARE_SHIFT = 1


def round_noted(
    scaled: Int64Array, shift: Int64Array | int, low: int, high: int, *, least: bool = True
) -> tuple[Int8Array, BoolArray]:
    """Bytes, and which of them were clipped: int8 and bool of the shape of `scaled`.

    Args:
        scaled: sums times their multipliers, with what is added to them.
        shift: 1 to 62.
        low, high: of the clamp. Below a `low` of 0 nothing counts as clipped, and a sum above 0 becomes at least 1.
        least: the latter; False: it does not, as where the host has the sums and rounds them.
    """
    shifts = np.asarray(shift, np.int64)
    rounded = (scaled + (np.int64(1) << (shifts - 1))) >> shifts
    if low == 0 and least:
        rounded = np.maximum(rounded, scaled > 0)
    clipped = (rounded > high) | ((rounded < low) & (low < 0))
    return np.clip(rounded, low, high).astype(np.int8), clipped
