"""The update rule against fractions, and its fixed point against 32-bit floats."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch.arrays import Floats
from skipbeat_arch.training.update_rule import Coefficient, Rule, to_bytes, update

INT32 = st.integers(-(2**31), 2**31 - 1)
COEFFICIENTS = st.builds(Coefficient, st.integers(0, 2**16 - 1), st.integers(0, 63))


def _rounded(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))


def _saturated(value: int) -> int:
    return min(max(value, -(2**31)), 2**31 - 1)


@given(
    st.builds(
        Rule,
        momentum=COEFFICIENTS,
        gradient=COEFFICIENTS,
        decay=COEFFICIENTS,
        dropped_decay=COEFFICIENTS,
        rate=COEFFICIENTS,
    ),
    INT32,
    INT32,
    st.integers(-(2**39), 2**39 - 1),
    st.booleans(),
)
def test_a_weight_is_exact(rule: Rule, weight: int, momentum: int, gradient: int, kept: bool) -> None:
    def product(coefficient: Coefficient, value: int) -> int:
        return _rounded(Fraction(coefficient.mantissa * value, 2**coefficient.shift))

    decay = product(rule.decay if kept else rule.dropped_decay, weight)
    velocity = _saturated(product(rule.momentum, momentum) + product(rule.gradient, gradient) + decay)
    new, velocities = update(
        rule,
        np.array([weight], np.int32),
        np.array([momentum], np.int32),
        np.array([gradient], np.int64),
        np.array([kept]),
    )
    assert velocities.tolist() == [velocity]
    assert new.tolist() == [_saturated(weight - product(rule.rate, velocity))]


@given(st.floats(0, 65535))
def test_a_coefficient_is_the_nearest(value: float) -> None:
    got = Coefficient.of(value)
    assert 0 <= got.mantissa < 2**16
    assert 0 <= got.shift <= 63
    assert abs(math.ldexp(got.mantissa, -got.shift) - value) <= max(value * 2**-16, 2.0**-63)


def test_coefficients_that_there_are_not() -> None:
    for wrong in (-1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="of at least 0"):
            Coefficient.of(wrong)
    with pytest.raises(ValueError, match="below 65536"):
        Coefficient.of(65536.0)


@given(INT32, st.integers(0, 31))
def test_a_byte_is_exact(weight: int, shift: int) -> None:
    got = to_bytes(np.array([weight], np.int32), np.array([shift]))
    assert got.tolist() == [min(max(_rounded(Fraction(weight, 2**shift)), -127), 127)]


def test_fixed_point_loses_less_than_32_bit_floats() -> None:
    """200 steps on 2,000 weights beside the same in doubles; gradients from 1e-5 to 1e-2."""
    rng = np.random.default_rng(11)
    initial = rng.normal(0, 0.05, 2000)
    size = 10.0 ** rng.uniform(-5, -2, 2000)
    w_unit, v_unit, g_unit = 28, 30, 26
    rule = Rule(
        momentum=Coefficient.of(0.9),
        gradient=Coefficient.of(2.0 ** (v_unit - g_unit)),
        decay=Coefficient.of(5e-4 * 2.0 ** (v_unit - w_unit)),
        dropped_decay=Coefficient.of(7e-4 * 2.0 ** (v_unit - w_unit)),
        rate=Coefficient.of(0.05 * 2.0 ** (w_unit - v_unit)),
    )
    mu, decay, rate = (
        math.ldexp(each.mantissa, -each.shift + up)
        for each, up in ((rule.momentum, 0), (rule.decay, w_unit - v_unit), (rule.rate, v_unit - w_unit))
    )
    fixed_w = np.round(initial * 2.0**w_unit).astype(np.int32)
    exact: Floats = fixed_w * 2.0**-w_unit
    fixed_v, exact_v = np.zeros(2000, np.int32), np.zeros(2000)
    float_w: Floats = exact.astype(np.float32)
    float_v: Floats = np.zeros(2000, np.float32)
    for _ in range(200):
        sums = np.round((rng.normal(0, 1, 2000) * size) * 2.0**g_unit).astype(np.int64)
        fixed_w, fixed_v = update(rule, fixed_w, fixed_v, sums, np.ones(2000, np.bool_))
        g = sums * 2.0**-g_unit
        exact_v = mu * exact_v + g + decay * exact
        exact = exact - rate * exact_v
        float_v = np.float32(mu) * float_v + g.astype(np.float32) + np.float32(decay) * float_w
        float_w = float_w - np.float32(rate) * float_v
    fixed_error, float_error = (np.abs(each - exact) for each in (fixed_w * 2.0**-w_unit, float_w.astype(float)))
    assert float(np.sqrt(np.mean(fixed_error**2))) < float(np.sqrt(np.mean(float_error**2)))
