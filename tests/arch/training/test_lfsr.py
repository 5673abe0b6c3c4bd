"""The shift register against its recurrence, bit by bit, and its period."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.arrays import UInt32Array
from skipbeat_arch.training.lfsr import FIXED_BIT, TAPS, advance, draws, generators

#: 2^32 - 1 as a product of primes.
FACTORS = (3, 5, 17, 257, 65537)


def _bits(state: int, count: int) -> list[int]:
    """The sequence from a state on."""
    bits = [state >> i & 1 for i in range(32)]
    while len(bits) < count:
        bits.append(sum(bits[len(bits) - 32 + tap] for tap in TAPS) % 2)
    return bits


def test_a_draw_is_the_next_32_bits() -> None:
    first = generators(12345, 3)
    drawn = draws(first, 7)
    assert drawn.shape == (7, 3)
    assert len(set(first.tolist())) == 3
    for k in range(3):
        bits = _bits(int(first[k]), 7 * 32)
        expected = [sum(bits[32 * n + i] << i for i in range(32)) for n in range(7)]
        assert drawn[:, k].tolist() == expected
    assert advance(drawn[:-1]).tolist() == drawn[1:].tolist()


def _product(left: UInt32Array, right: UInt32Array) -> UInt32Array:
    """Of two matrices over bits, whose columns are numbers of 32 bits."""
    made = [np.bitwise_xor.reduce(left[[i for i in range(32) if int(column) >> i & 1]], initial=0) for column in right]
    return np.array(made, np.uint32)


def _power(exponent: int) -> list[int]:
    square = advance(np.uint32(1) << np.arange(32, dtype=np.uint32))
    made = np.uint32(1) << np.arange(32, dtype=np.uint32)
    while exponent:
        made = _product(square, made) if exponent & 1 else made
        square, exponent = _product(square, square), exponent >> 1
    return [int(column) for column in made]


def test_every_state_but_0_comes_once() -> None:
    period, one = (1 << 32) - 1, [1 << i for i in range(32)]
    assert int(np.prod(FACTORS, dtype=np.uint64)) == period
    assert _power(period) == one
    assert all(_power(period // prime) != one for prime in FACTORS)


def test_every_generator_begins_elsewhere_and_not_at_0() -> None:
    for seed in (0, (1 << 31) - 1, 77):
        assert len({0, *generators(seed, 64).tolist()}) == 65
    with pytest.raises(ValueError, match="seed of 31 bits, not 2147483648"):
        generators(1 << 31, 1)


def test_first_draws_have_no_bias() -> None:
    """Over all seeds, each bit that is looked at is set as often as not, in every generator."""
    first = np.stack([generators(seed, 4) for seed in np.random.default_rng(1).integers(1 << 31, size=4096).tolist()])
    for bit in (*range(FIXED_BIT), *range(FIXED_BIT + 1, 32)):
        share = (first >> np.uint32(bit) & np.uint32(1)).mean(axis=0)
        assert np.abs(share - 0.5).max() < 0.04, bit
    assert (first >> np.uint32(FIXED_BIT) & np.uint32(1)).all()
