"""Which N of M elements are kept: those of the largest magnitudes, always exactly N.

rank[i] = #{j: |a[j]| > |a[i]|} + #{j < i: |a[j]| = |a[i]|}, and what has a rank below N is kept. So are zeros where
there is nothing else: the size of a tile is known before its values.
"""

from __future__ import annotations

import numpy as np

from ..arrays import BoolArray, Int64Array, IntArray

#: Of a magnitude. -128 counts as 127; no number of a training is -128, as all are clamped to both sides alike.
MAGNITUDE_BITS = 7
LARGEST = (1 << MAGNITUDE_BITS) - 1


def magnitudes(values: IntArray) -> Int64Array:
    """|a|, at most 127: int64 of any shape, from int8."""
    return np.minimum(np.abs(values.astype(np.int64)), LARGEST)


def ranks(groups: IntArray) -> Int64Array:
    """Rank of each element by magnitude among its group, int64 [..., M] from int8 [..., M]; a tie is the lower's."""
    size = magnitudes(groups)
    before = size[..., np.newaxis, :] > size[..., :, np.newaxis]
    tied = size[..., np.newaxis, :] == size[..., :, np.newaxis]
    below = np.tri(groups.shape[-1], k=-1, dtype=np.bool_)
    counted: Int64Array = np.count_nonzero(before | (tied & below), axis=-1).astype(np.int64)
    return counted


def kept_by_rank(groups: IntArray, n: int) -> BoolArray:
    """Which elements of each group are kept, bool [..., M] with N of M set, from int8 [..., M].

    Raises:
        ValueError: N is not in 1..M.
    """
    if not 1 <= n <= groups.shape[-1]:
        raise ValueError(f"N must be in 1..{groups.shape[-1]}, not {n}")
    kept: BoolArray = ranks(groups) < n
    return kept
