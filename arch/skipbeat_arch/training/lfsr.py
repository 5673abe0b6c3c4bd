"""Pseudo-random draws: a linear feedback shift register of 32 bits that is read once for all its bits.

The sequence of bits obeys b[n + 32] = b[n + 22] ^ b[n + 2] ^ b[n + 1] ^ b[n], the polynomial x^32 + x^22 + x^2 + x + 1,
which is primitive: every state but 0 comes once in 2^32 - 1. Bit i of a state is b[n + i]. A draw is the whole state,
and the next draw lies 32 bits further on, so that two draws share no bit. 32 and 2^32 - 1 have no common factor: the
draws too go through every value but 0 before one comes again.
"""

from __future__ import annotations

import numpy as np

from ..arrays import UInt32Array

DRAW_BITS = 32
#: Exponents of the polynomial's terms besides the highest one.
TAPS = (22, 2, 1, 0)
SEED_BITS = 31
#: Bits of the sequence that follow from a state alone, before they depend on each other.
_AT_ONCE = DRAW_BITS - TAPS[0]
_SPREAD = 0x9E3779B1


def generators(seed: int, count: int) -> UInt32Array:
    """First draws of `count` generators that work side by side, uint32 [count].

    Generator k begins with `seed ^ (k * 0x9E3779B1)` in 31 bits, and the highest bit set: all differ, and none is 0.

    Raises:
        ValueError: the seed has more than 31 bits.
    """
    if not 0 <= seed < 1 << SEED_BITS:
        raise ValueError(f"expected a seed of {SEED_BITS} bits, not {seed}")
    return np.array([seed ^ spread(k) | 1 << SEED_BITS for k in range(count)], np.uint32)


def spread(generator: int) -> int:
    """In which bits a generator's first draw differs from the seed: 31 bits, another number for each generator."""
    return generator * _SPREAD & (1 << SEED_BITS) - 1


def advance(draws: UInt32Array) -> UInt32Array:
    """The draws after these, elementwise."""
    bits = draws.astype(np.uint64)
    for known in range(DRAW_BITS, 2 * DRAW_BITS, _AT_ONCE):
        new = np.bitwise_xor.reduce([bits >> np.uint64(known - DRAW_BITS + tap) for tap in TAPS])
        wanted = min(_AT_ONCE, 2 * DRAW_BITS - known)
        bits = bits | (new & np.uint64((1 << wanted) - 1)) << np.uint64(known)
    return (bits >> np.uint64(DRAW_BITS)).astype(np.uint32)


def draws(first: UInt32Array, count: int) -> UInt32Array:
    """The first `count` draws of each generator, uint32 [count, generators]; `first`: uint32 [generators].

    Works by doubling: `advance` is linear, so the power of it that goes k draws on is a matrix of bits.
    """
    made = first[np.newaxis, :]
    columns = advance(np.uint32(1) << np.arange(DRAW_BITS, dtype=np.uint32))
    while len(made) < count:
        made = np.concatenate([made, _times(columns, made)])
        columns = _times(columns, columns)
    return made[:count]


def _times(columns: UInt32Array, states: UInt32Array) -> UInt32Array:
    """A matrix of bits times states; its columns are what it makes of a single bit, uint32 [32]."""
    product = np.zeros_like(states)
    for bit, column in enumerate(columns):
        product ^= np.where(states >> np.uint32(bit) & np.uint32(1), column, np.uint32(0))
    return product
