"""Requantisation against exact arithmetic in Python's integers and fractions."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch.numbers import MAX_SHIFT, MULTIPLIER_BITS, integer_range, requantise, requantise_parameters

INT32 = st.integers(-(2**31), 2**31 - 1)
MULTIPLIERS = st.integers(2**30, 2**31 - 1)
SHIFTS = st.integers(1, MAX_SHIFT)
SCALES = st.floats(2.0**-31, 2.0**29, exclude_max=True)


def exact(accumulator: int, multiplier: int, shift: int, low: int = -128, high: int = 127) -> int:
    """The nearest integer, halves towards +infinity, then the clamp."""
    nearest = math.floor(Fraction(accumulator * multiplier, 2**shift) + Fraction(1, 2))
    return min(max(nearest, low), high)


@given(INT32, MULTIPLIERS, SHIFTS)
def test_requantise_is_exact(accumulator: int, multiplier: int, shift: int) -> None:
    assert int(requantise(accumulator, multiplier, shift)) == exact(accumulator, multiplier, shift)


@given(st.integers(-1000, 1000), MULTIPLIERS, st.integers(30, 40))
def test_requantise_is_exact_where_it_does_not_saturate(accumulator: int, multiplier: int, shift: int) -> None:
    assert int(requantise(accumulator, multiplier, shift)) == exact(accumulator, multiplier, shift)


@pytest.mark.parametrize("accumulator", [-(2**31), 2**31 - 1])
@pytest.mark.parametrize("multiplier", [2**30, 2**31 - 1])
@pytest.mark.parametrize("shift", [1, 31, 55, 61, MAX_SHIFT])
def test_extreme_values_do_not_overflow(accumulator: int, multiplier: int, shift: int) -> None:
    assert int(requantise(accumulator, multiplier, shift)) == exact(accumulator, multiplier, shift)


@pytest.mark.parametrize(("accumulator", "rounded"), [(-5, -2), (-3, -1), (-1, 0), (1, 1), (3, 2), (5, 3)])
def test_ties_go_up(accumulator: int, rounded: int) -> None:
    """Half of an odd number is a tie: 2**30 / 2**31 is one half."""
    assert int(requantise(accumulator, 2**30, 31)) == rounded


def test_channels_broadcast_and_relu_clamps() -> None:
    sums = np.array([[100, 100], [-100, -100]], np.int32)
    multiplier, shift = np.array([2**30, 2**30]), np.array([30, 31])
    result = requantise(sums, multiplier, shift, low=0)
    assert result.dtype == np.int8
    assert result.tolist() == [[100, 50], [0, 0]]


@given(SCALES)
def test_parameters_are_the_nearest(scale: float) -> None:
    multiplier, shift = requantise_parameters(scale)
    assert 2**30 <= multiplier < 2**31
    assert 1 <= shift <= MAX_SHIFT
    error = abs(Fraction(multiplier, 2**shift) - Fraction(scale))
    assert error <= Fraction(1, 2 ** (shift + 1))
    assert error <= Fraction(scale) / 2**MULTIPLIER_BITS


@given(st.floats(-128, 127), SCALES.filter(lambda s: s < 2.0**20))
def test_close_to_the_float_product(target: float, scale: float) -> None:
    """The integer path is within half a unit of the real product, plus the multiplier's own error."""
    accumulator = round(target / scale)
    if abs(accumulator) >= 2**31:
        return
    product = min(max(accumulator * scale, -128.0), 127.0)
    assert abs(float(requantise(accumulator, *requantise_parameters(scale))) - product) <= 0.5 + 2.0**-22


@pytest.mark.parametrize("scale", [0.0, -1.0, math.inf, -math.inf, math.nan, 2.0**31, 2.0**-40])
def test_parameters_refuse_what_they_cannot_express(scale: float) -> None:
    with pytest.raises(ValueError, match="scale"):
        requantise_parameters(scale)


@given(st.integers(1, 62))
def test_integer_range(bits: int) -> None:
    low, high = integer_range(bits)
    assert high - low + 1 == 2**bits
    assert low == -high - 1
