"""The unbiased choice against exact fractions: all draws of small cases, and the bound of its bias."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.training.lfsr import draws, generators
from skipbeat_arch.training.mvue import chosen, exponent_growth, keep_one, shared_magnitude


def _frequencies(group: list[int], bits: int) -> Int64Array:
    """How often each element is chosen among all the draws of so many bits."""
    every = np.arange(1 << bits)
    places = chosen(np.broadcast_to(np.array(group, np.int8), (1 << bits, len(group))), every, bits)
    return np.bincount(places, minlength=len(group)).astype(np.int64)


@pytest.mark.parametrize(
    "group", [[1, -3], [127, -127], [5, 0], [-1, 2, 4, -9], [0, 0, 0, 1], [3, 1, 4, 1, 5, 9, 2, 6]]
)
def test_probabilities_are_as_near_as_the_draw_allows(group: list[int]) -> None:
    bits, total = 12, sum(map(abs, group))
    for count, value in zip(_frequencies(group, bits).tolist(), group, strict=True):
        assert abs(Fraction(count, 1 << bits) - Fraction(abs(value), total)) < Fraction(1, 1 << bits)


def test_probabilities_are_exact_if_the_sum_divides_the_draws() -> None:
    for group in product(range(-4, 5), repeat=2):
        total = sum(map(abs, group))
        if total in (1, 2, 4, 8):
            assert _frequencies(list(group), 6).tolist() == [64 * abs(value) // total for value in group]


@pytest.mark.parametrize("q", [2, 4, 8])
def test_the_rounding_of_the_sum_is_exact(q: int) -> None:
    groups = np.random.default_rng(q).integers(-127, 128, (200, q)).astype(np.int8)
    rounded = [shared_magnitude(groups, np.full(200, dither)) for dither in range(q)]
    assert (np.sum(rounded, axis=0) == np.abs(groups.astype(int)).sum(axis=-1)).all()
    assert np.max(rounded) <= 127


def test_the_expectation_of_every_pair_of_small_numbers() -> None:
    """All choices of 7 bits with both roundings; the bias is less than S / 2^7 of the numbers' own step."""
    every = np.arange(1 << 7)
    for pair in product(range(-4, 5), repeat=2):
        groups = np.broadcast_to(np.array(pair, np.int8), (128, 2))
        places, total = chosen(groups, every, 7), sum(map(abs, pair))
        sizes = np.sum([shared_magnitude(groups, np.full(128, dither)) for dither in range(2)], axis=0)
        for i, value in enumerate(pair):
            mean = Fraction(int(np.sign(value) * sizes[places == i].sum()) * 2, 2 * 128)  # twice the step
            assert abs(mean - value) < Fraction(max(total, 1), 128)


@pytest.mark.parametrize("q", [2, 4, 8])
def test_the_mean_of_many_draws(q: int) -> None:
    """Within five deviations of the mean, whose variance is S^2 / q^2 * p and a rounding's quarter at most."""
    group = np.array([13, -70, 2, 41, 0, -5, 127, -1][:q], np.int8)
    count = 200_000
    values, kept = keep_one(np.broadcast_to(group, (count, q)), draws(generators(5, 1), count)[:, 0])
    assert (kept.sum(axis=-1) == 1).all()
    mean = values.mean(axis=0) * (1 << exponent_growth(q))
    total = np.abs(group.astype(float)).sum()
    deviation = np.sqrt((total * np.abs(group) + q * q / 4) / count)
    assert (np.abs(mean - group) < 5 * deviation).all()


def test_a_group_of_zeros_keeps_its_last() -> None:
    values, kept = keep_one(np.zeros((1, 4), np.int8), np.array([0xFFFFFFFF], np.uint32))
    assert kept.tolist() == [[False, False, False, True]]
    assert not values.any()


def test_q_is_a_power_of_two() -> None:
    for q in (1, 3):
        with pytest.raises(ValueError, match=f"power of two and at least 2, not {q}"):
            exponent_growth(q)
