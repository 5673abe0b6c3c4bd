"""Pseudo-random draws: a linear feedback shift register of 32 bits that is read once for all its bits.

The sequence of bits obeys b[n + 32] = b[n + 22] ^ b[n + 2] ^ b[n + 1] ^ b[n], the polynomial x^32 + x^22 + x^2 + x + 1,
which is primitive: every state but 0 comes once in 2^32 - 1. Bit i of a state is b[n + i]. A draw is the whole state,
and the next draw lies 32 bits further on, so that two draws share no bit. 32 and 2^32 - 1 have no common factor: the
draws too go through every value but 0 before one comes again.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from ..arrays import UInt32Array

DRAW_BITS = 32
#: Exponents of the polynomial's terms besides the highest one.
TAPS = (22, 2, 1, 0)
SEED_BITS = 31
#: Of a first draw, always set. A choice takes the 24 bits above it and its dither the lowest ones, a rounding up to 24
#: from the top: neither sees it, and so first draws have no bias.
FIXED_BIT = 7
#: Bits of the sequence that follow from a state alone, before they depend on each other.
_AT_ONCE = DRAW_BITS - TAPS[0]
_SPREAD = 0x9E3779B1


def generators(seed: int, count: int) -> UInt32Array:
    """First draws of `count` generators that work side by side, uint32 [count].

    Generator k begins with `seed ^ (k * 0x9E3779B1)` in 31 bits, and the fixed bit between them: all differ, none is 0.

    Raises:
        ValueError: the seed has more than 31 bits.
    """
    if not 0 <= seed < 1 << SEED_BITS:
        raise ValueError(f"expected a seed of {SEED_BITS} bits, not {seed}")
    begin = np.array([seed ^ spread(k) for k in range(count)], np.uint32)
    low = begin & np.uint32((1 << FIXED_BIT) - 1)
    return (begin >> np.uint32(FIXED_BIT) << np.uint32(FIXED_BIT + 1)) | np.uint32(1 << FIXED_BIT) | low


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

    Works by doubling: `advance` is linear, so what goes 2^k draws on is a matrix of bits.
    """
    made, level = first[np.newaxis, :], 0
    while len(made) < count:
        made = np.concatenate([made, _moved(_jump(level), made[: count - len(made)])])
        level += 1
    return made[:count]


@cache
def _jump(level: int) -> UInt32Array:
    """What going 2^level draws on makes of each value of each byte of a state, uint32 [4, 256]."""
    bits = np.uint32(1) << np.arange(DRAW_BITS, dtype=np.uint32)
    moved = advance(bits) if level == 0 else _moved(_jump(level - 1), _moved(_jump(level - 1), bits))
    tables = []
    for columns in moved.reshape(-1, 8):
        table = np.zeros(1, np.uint32)
        for column in columns:
            table = np.concatenate([table, table ^ column])
        tables.append(table)
    return np.stack(tables)


def _moved(tables: UInt32Array, states: UInt32Array) -> UInt32Array:
    """States after a jump whose tables these are."""
    moved = np.zeros_like(states)
    for byte, table in enumerate(tables):
        moved ^= table[states >> np.uint32(8 * byte) & np.uint32(255)]
    return moved
