"""Number formats and the one rounding rule of the project.

Values are two's-complement integers. Requantisation multiplies an accumulator by a positive 31-bit multiplier
and shifts right, rounding half up (towards +infinity): what an adder and a shifter do in hardware. PyTorch
rounds half to even instead; the difference is at most one unit and only at exact ties.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from .arrays import Int8Array

MULTIPLIER_BITS = 31
MAX_SHIFT = 62


def integer_range(bits: int) -> tuple[int, int]:
    """Lowest and highest value of a two's-complement integer of `bits` bits."""
    return -(1 << (bits - 1)), (1 << (bits - 1)) - 1


def requantise_parameters(scale: float) -> tuple[int, int]:
    """Multiplier in [2**30, 2**31) and shift with `multiplier / 2**shift` nearest to `scale`.

    Raises:
        ValueError: `scale` is not positive and finite, or too large or small for a shift in 1..62.
    """
    if not (math.isfinite(scale) and scale > 0):
        raise ValueError(f"scale must be positive and finite, not {scale}")
    mantissa, exponent = math.frexp(scale)
    multiplier = round(mantissa * (1 << MULTIPLIER_BITS))
    shift = MULTIPLIER_BITS - exponent
    if multiplier == 1 << MULTIPLIER_BITS:
        multiplier, shift = multiplier >> 1, shift - 1
    if not 1 <= shift <= MAX_SHIFT:
        raise ValueError(f"scale {scale} needs a shift of {shift}, outside 1..{MAX_SHIFT}")
    return multiplier, shift


def requantise(
    accumulator: npt.ArrayLike, multiplier: npt.ArrayLike, shift: npt.ArrayLike, low: int = -128, high: int = 127
) -> Int8Array:
    """`clip((accumulator * multiplier + 2**(shift-1)) >> shift, low, high)`, elementwise, as int8.

    Args:
        accumulator: int32 values; `multiplier` and `shift` broadcast against it (per output channel).
        low, high: the clamp; `low = 0` is a fused ReLU.
    """
    product = np.asarray(accumulator, np.int64) * np.asarray(multiplier, np.int64)
    shifts = np.asarray(shift, np.int64)
    rounded = (product + (np.int64(1) << (shifts - 1))) >> shifts
    clamped: Int8Array = np.clip(rounded, low, high).astype(np.int8)
    return clamped
