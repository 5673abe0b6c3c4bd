"""Sums of 40 bits to bytes: stochastic rounding of gradients, and what is kept of a store for the next step's shift.

y = clamp((sum + r) >> shift, -127, 127), where r is the high `shift` bits of a draw of 32. As r is uniform in
0..2^shift - 1, the expectation of y before the clamp is sum / 2^shift exactly, but for the draw that is never 0. A
shift goes from 0 to 32, and the 8 bits that are left then fit a byte.

Scales are powers of two, so of a store's largest sum only its number of bits counts. The shift of the next step follows
from it (delayed scaling): the largest sum then has 7 bits, if the gradients stay as they are.
"""

from __future__ import annotations

import numpy as np

from ..arrays import BoolArray, Int8Array, Int64Array, IntArray, UInt32Array
from .lfsr import DRAW_BITS, SEED_BITS, draws, generators
from .ranks import LARGEST, MAGNITUDE_BITS

SUM_BITS = 40
MOST_SHIFT = 32
#: Of a seed, those that a STORE has: no rounding of up to as many bits looks at the others, which are 0.
STORE_SEED_BITS = 24
#: Odd, so that seeds of that many places differ; and so that neighbours begin far from each other.
_APART = 0x9E3779


def round_stochastically(sums: IntArray, shift: int, drawn: UInt32Array) -> tuple[Int8Array, BoolArray]:
    """Bytes, and which of them were clipped: int8 and bool of the shape of `sums` and `drawn` (sums of 40 bits).

    Raises:
        ValueError: the shift is not in 0..32.
    """
    if not 0 <= shift <= MOST_SHIFT:
        raise ValueError(f"shift must be in 0..{MOST_SHIFT}, not {shift}")
    rounded = (sums.astype(np.int64) + (drawn.astype(np.int64) >> (DRAW_BITS - shift))) >> shift
    return np.clip(rounded, -LARGEST, LARGEST).astype(np.int8), np.abs(rounded) > LARGEST


def store_seed(upper: int) -> int:
    """The seed, 31 bits, of a STORE that has these bits of it."""
    return upper << (SEED_BITS - STORE_SEED_BITS)


def seed_at(seed: int, place: int) -> int:
    """Those bits of the seed of a STORE whose first vector has this number in its tensor, if number 0 has `seed`."""
    return (seed + place * _APART) % (1 << STORE_SEED_BITS)


def rounding_draws(seed: int, lanes: int, vectors: int, width: int) -> UInt32Array:
    """Draws for a store, uint32 [vectors, V]: column c of a vector is rounded by lane c mod `lanes`, V / lanes clocks
    for each vector, and a lane's generator is read once for each of its columns."""
    return draws(generators(seed, lanes), vectors * width // lanes).reshape(vectors, width)


def magnitude_bits(sums: IntArray) -> int:
    """Bits of the largest magnitude among all; 0 if all are 0."""
    return int(np.abs(sums.astype(np.int64)).max(initial=0)).bit_length()


def next_shift(bits: int) -> int:
    """The shift that brings magnitudes of so many bits to 7."""
    return min(max(bits - MAGNITUDE_BITS, 0), MOST_SHIFT)


def column_shifts(weights: IntArray) -> Int64Array:
    """The shift for each output column, int64 [K], from master weights int32 [..., K]."""
    largest = np.abs(weights.astype(np.int64)).reshape(-1, weights.shape[-1]).max(axis=0, initial=0)
    return np.array([next_shift(int(each).bit_length()) for each in largest], np.int64)
