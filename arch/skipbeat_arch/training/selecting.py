"""Selection as the module does it: vectors of V bytes in, the same vectors with what is kept out.

Along the lanes, a group is M lanes of one vector that lie side by side. Along the time, it is one lane of M vectors
that follow one another: they are turned, selected along the lanes, and turned back, so both have one definition.

By MVUE, a group of M is M / q groups of q. Generator k belongs to lanes 2k and 2k + 1; a group of q takes that of its
first two lanes. Every vector takes one draw of every generator, whether it is used or not.
"""

from __future__ import annotations

import numpy as np

from ..arrays import BoolArray, Int8Array, UInt32Array
from .lfsr import draws, generators
from .mvue import keep_one
from .ranks import kept_by_rank
from .turning import turn, turn_back


def select_ranked(vectors: Int8Array, group: int, n: int, along_time: bool = False) -> tuple[Int8Array, BoolArray]:
    """N of each group: values (0 where nothing is kept) and places, int8 and bool [vectors, V], from int8.

    Raises:
        ValueError: N is not in 1..M.
    """
    lanes = turn(vectors, group) if along_time else vectors
    groups = lanes.reshape(len(lanes), -1, group)
    kept = kept_by_rank(groups, n).reshape(lanes.shape)
    return _restored(np.where(kept, lanes, np.int8(0)), kept, group, along_time)


def select_unbiased(
    vectors: Int8Array, group: int, q: int, seed: int, along_time: bool = False
) -> tuple[Int8Array, BoolArray]:
    """One of each q, as `select_ranked`; the generators begin at `seed` with the first vector.

    Raises:
        ValueError: q is not a power of two, or the seed has more than 31 bits.
    """
    lanes = turn(vectors, group) if along_time else vectors
    count, width = lanes.shape
    drawn = generator_draws(seed, width, count)[:, :: q // 2]
    values, kept = keep_one(lanes.reshape(count, -1, q), drawn)
    return _restored(values.reshape(lanes.shape), kept.reshape(lanes.shape), group, along_time)


def generator_draws(seed: int, width: int, count: int) -> UInt32Array:
    """Draws of the V / 2 generators of `width` lanes for each vector, uint32 [count, V / 2]."""
    return draws(generators(seed, width // 2), count)


def _restored(values: Int8Array, kept: BoolArray, group: int, along_time: bool) -> tuple[Int8Array, BoolArray]:
    return (turn_back(values, group), turn_back(kept, group)) if along_time else (values, kept)
