"""Stochastic rounding by all draws, against exact fractions; shifts that follow from the largest sum."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.training.lfsr import draws, generators
from skipbeat_arch.training.rounding import (
    STORE_SEED_BITS,
    column_shifts,
    magnitude_bits,
    next_shift,
    round_stochastically,
    rounding_draws,
    store_seed,
)


@pytest.mark.parametrize("shift", [0, 1, 5])
def test_the_expectation_is_exact(shift: int) -> None:
    """Over all of what a draw can add, the sum of the results is the sum itself."""
    sums = np.arange(-100 << shift, 100 << shift, 7)
    drawn = (np.arange(1 << shift, dtype=np.uint64) << np.uint64(32 - shift)).astype(np.uint32)
    made = [round_stochastically(sums, shift, np.full(len(sums), draw))[0].astype(int) for draw in drawn]
    assert np.array_equal(np.sum(made, axis=0), sums)


def test_the_clamp_and_what_it_counts() -> None:
    sums = np.array([127 << 8, (127 << 8) + 1, -127 << 8, (-127 << 8) - 1, 1 << 39, -1 << 39], np.int64)
    values, clipped = round_stochastically(sums, 8, np.full(6, 0xFFFFFFFF, np.uint32))
    assert values.tolist() == [127, 127, -127, -127, 127, -127]
    assert clipped.tolist() == [False, True, False, False, True, True]
    assert round_stochastically(sums, 8, np.full(6, 1, np.uint32))[1].tolist() == [
        False,
        False,
        False,
        True,
        True,
        True,
    ]


def test_sums_of_40_bits_fit_with_the_largest_shift() -> None:
    ends = np.array([(1 << 39) - 1, -1 << 39], np.int64)
    values, _ = round_stochastically(ends, 32, np.array([0, 0xFFFFFFFF], np.uint32))
    assert values.tolist() == [127, -127]
    for shift in (-1, 33):
        with pytest.raises(ValueError, match=f"not {shift}"):
            round_stochastically(ends, shift, np.zeros(2, np.uint32))


def test_a_lane_rounds_column_after_column() -> None:
    drawn = draws(generators(3, 2), 6)
    made = rounding_draws(3, 2, 3, 4)
    for vector in range(3):
        assert made[vector].tolist() == [*drawn[2 * vector], *drawn[2 * vector + 1]]


def test_the_next_shift_leaves_seven_bits() -> None:
    for largest in (0, 1, 127, 128, 255, 256, 12345, (1 << 39) - 1, 1 << 39):
        shift = next_shift(magnitude_bits(np.array([[-largest, 0]], np.int64)))
        assert largest >> shift <= 127 or shift == 32
        assert shift == 0 or largest >> shift >= 64
    assert column_shifts(np.array([[1 << 20, -3], [5, -300]], np.int32)).tolist() == [14, 2]


def test_a_stores_seed_is_all_that_its_first_roundings_see() -> None:
    """The upper bits of the first draw; so over all seeds of STOREs no first byte has a bias."""
    uppers = [0, 1, (1 << STORE_SEED_BITS) - 1, 0xABCDEF]
    assert [int(generators(store_seed(upper), 1)[0]) >> 8 for upper in uppers] == uppers
