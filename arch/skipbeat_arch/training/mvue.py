"""The unbiased choice of one element of q that has the least variance (Chmiel et al. 2023).

Element i is kept with probability |a[i]| / S and becomes sign(a[i]) * S, where S is the sum of the q magnitudes. Its
expectation is a[i]. In integers, with a draw of 32 bits for each q elements:

- t = (high 24 bits of the draw) * S >> 24 is a number in 0..S-1, and i is kept if P[i] <= t < P[i + 1], where P[i] is
  the sum of the magnitudes before i. If S is 0, the last element is kept: always exactly one is.
- S does not fit int8, but S / q does. So the result is S / q with a step that is q times as large, which the program
  knows: its exponent grows by log2 q. S / q is rounded stochastically, as (S + low log2 q bits of the draw) >> log2 q.

No finite draw can hit |a[i]| / S exactly unless S divides a power of two. Each probability is within 2^-24 of it, so
the expectation is within S * 2^-24 <= 127 * q * 2^-24, at q = 8 one part in 16,512 of a step. The rounding is exact.
A draw is never 0 as a whole, which changes a probability by less than 2^-32.
"""

from __future__ import annotations

import numpy as np

from ..arrays import BoolArray, Int8Array, Int64Array, IntArray, UInt32Array
from .ranks import magnitudes

CHOICE_BITS = 24


def chosen(groups: IntArray, choice: Int64Array, bits: int = CHOICE_BITS) -> Int64Array:
    """Position of the element that is kept, int64 [...], from int8 [..., q] and `choice` int64 [...] of `bits` bits."""
    ends = np.cumsum(magnitudes(groups), axis=-1)
    threshold = choice * ends[..., -1] >> bits
    passed: Int64Array = np.count_nonzero(ends[..., :-1] <= threshold[..., np.newaxis], axis=-1).astype(np.int64)
    return passed


def shared_magnitude(groups: IntArray, dither: Int64Array) -> Int64Array:
    """S / q, rounded: int64 [...] in 0..127, from int8 [..., q] and `dither` int64 [...] in 0..q-1."""
    total: Int64Array = magnitudes(groups).sum(axis=-1)
    return (total + dither) >> exponent_growth(groups.shape[-1])


def keep_one(groups: IntArray, draws: UInt32Array) -> tuple[Int8Array, BoolArray]:
    """What is left of each group and where: int8 and bool [..., q], from int8 [..., q] and draws uint32 [...].

    The values' exponent is larger than that of `groups` by `exponent_growth(q)`.

    Raises:
        ValueError: q is not a power of two, or less than 2.
    """
    q = groups.shape[-1]
    drawn = draws.astype(np.int64)
    place = chosen(groups, drawn >> (32 - CHOICE_BITS))
    kept = place[..., np.newaxis] == np.arange(q)
    size = shared_magnitude(groups, drawn & (q - 1))[..., np.newaxis]
    values: Int8Array = np.where(kept, np.sign(groups) * size, 0).astype(np.int8)
    return values, kept


def exponent_growth(q: int) -> int:
    """By how much the exponent of what is kept 1:q is larger.

    Raises:
        ValueError: q is not a power of two, or less than 2.
    """
    if q < 2 or q & (q - 1):
        raise ValueError(f"q must be a power of two and at least 2, not {q}")
    return q.bit_length() - 1
