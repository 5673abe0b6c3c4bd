"""Which elements of a reduction matrix stay under a pattern: the one place where N:M, densities and blocks are chosen.

A matrix is [C, K] with the reduction axis first, or [groups, C, K] for a grouped convolution, which counts as the
matrix [C, groups * K]. N:M groups are runs of M rows of one column; the last one is shorter when M does not divide C.
"""

from __future__ import annotations

import numpy as np

from skipbeat_arch.arrays import BoolArray, Bytes, Floats, Reals
from skipbeat_arch.errors import InputError
from skipbeat_arch.pattern import Pattern

from .pruners.block import BLOCK, block_scores, expand_blocks

#: Up to this M, comparing all pairs of a group is quicker than sorting it.
_PAIRWISE_GROUP = 16
#: Elements that are compared at a time, so that they stay in the processor's cache.
_CHUNK = 1 << 17


def prune_mask(weight: Reals, pattern: Pattern, block: tuple[int, int] = BLOCK) -> BoolArray:
    """Which elements of a weight stay by magnitude, bool in the weight's shape; ties go to the lower row.

    - `dense`: all.
    - `nm`: the N largest magnitudes of each group of M rows (all of a last group of N or fewer).
    - `unstructured`: the largest magnitudes of the whole matrix, as many as the density asks for.
    - `block`: the blocks of `block` rows and columns with the largest mean square.

    The last two keep round(density * count) elements or blocks, and at least one unless the density is 0.

    Args:
        weight: [C, K], or [groups, C, K]; scores serve as well as weights.

    Raises:
        InputError: the weight has no elements, another number of dimensions, or an element that is not finite.
    """
    if pattern.kind == "dense":
        return np.ones(weight.shape, np.bool_)
    magnitude = _magnitude(weight)
    if pattern.kind == "nm":
        mask = nm_mask(magnitude, pattern.n, pattern.m)
    elif pattern.kind == "unstructured":
        mask = _largest(magnitude.reshape(-1), kept(pattern, magnitude.size)).reshape(magnitude.shape)
    else:
        scores = block_scores(magnitude, block)
        chosen = _largest(scores.reshape(-1), kept(pattern, scores.size)).reshape(scores.shape)
        mask = expand_blocks(chosen, (magnitude.shape[0], magnitude.shape[1]), block)
    return in_shape(mask, weight.shape)


def fan_in_mask(weight: Reals, pattern: Pattern, block: tuple[int, int] = BLOCK) -> BoolArray:
    """As `prune_mask`, but `unstructured` keeps the largest round(density * C) of each column, at least one unless the
    density is 0; ties go to the lower row.

    Raises:
        InputError: as for `prune_mask`.
    """
    if pattern.kind != "unstructured":
        return prune_mask(weight, pattern, block)
    magnitude = _magnitude(weight)
    ranking = np.argsort(-magnitude, axis=0, kind="stable")[: kept(pattern, len(magnitude))]
    mask = np.zeros(magnitude.shape, np.bool_)
    np.put_along_axis(mask, ranking, True, axis=0)
    return in_shape(mask, weight.shape)


def _magnitude(weight: Reals) -> Floats:
    """Magnitudes [C, groups * K]; integers become floats, so that -128 has one."""
    if weight.ndim not in (2, 3) or weight.size == 0 or not bool(np.isfinite(weight).all()):
        raise InputError(f"weight of shape {weight.shape}: expected a matrix of finite numbers")
    values: Floats = np.abs(weight.astype(np.promote_types(weight.dtype, np.float16), copy=False))
    return values if values.ndim == 2 else values.swapaxes(0, 1).reshape(values.shape[1], -1)


def in_shape(mask: BoolArray, shape: tuple[int, ...]) -> BoolArray:
    """The mask [C, groups * K] in the weight's own shape, [C, K] or [groups, C, K]."""
    if len(shape) == 2:
        return mask
    groups, rows, cols = shape
    return np.ascontiguousarray(mask.reshape(rows, groups, cols).swapaxes(0, 1))


def kept(pattern: Pattern, count: int) -> int:
    """How many of `count` elements or blocks a density keeps."""
    return max(1, round(pattern.density * count)) if pattern.density > 0 else 0


def nm_mask(magnitude: Floats, n: int, m: int) -> BoolArray:
    """`prune_mask` to N:M of a matrix [C, K] of finite magnitudes."""
    rows, cols = magnitude.shape
    padded = np.pad(magnitude, ((0, -rows % m), (0, 0)), constant_values=-1) if rows % m else magnitude
    groups = padded.reshape(-1, m, cols)
    if m > _PAIRWISE_GROUP:
        ranking = np.argsort(-groups, axis=1, kind="stable")[:, :n]
        chosen = np.zeros(groups.shape, np.bool_)
        np.put_along_axis(chosen, ranking, True, axis=1)
    else:
        chosen = np.empty(groups.shape, np.bool_)
        at_a_time = max(1, _CHUNK // (m * cols))
        for start in range(0, len(groups), at_a_time):
            part = groups[start : start + at_a_time]
            np.less(_ranks(part), n, out=chosen[start : start + at_a_time])
    return chosen.reshape(-1, cols)[:rows]


def _ranks(groups: Floats) -> Bytes:
    """How many of its group [groups, M, K] go before each element: those larger, and equal ones above it."""
    count = groups.shape[1]
    rank = np.empty(groups.shape, np.uint8)
    for low in range(count):
        rank[:, low] = count - 1 - low
    for low in range(count):
        for high in range(low + 1, count):
            first = (groups[:, low] >= groups[:, high]).view(np.uint8)
            rank[:, high] += first
            rank[:, low] -= first
    return rank


def _largest(magnitude: Floats, count: int) -> BoolArray:
    """Mask of the `count` largest of a vector, ties to the lower index."""
    if count in (0, len(magnitude)):
        return np.full(len(magnitude), count > 0)
    threshold = np.partition(magnitude, -count)[-count]
    mask: BoolArray = magnitude > threshold
    ties = np.flatnonzero(magnitude == threshold)
    mask[ties[: count - int(mask.sum())]] = True
    return mask
