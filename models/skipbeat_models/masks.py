"""Which elements of a reduction matrix stay under a pattern: the one place where N:M, densities and blocks are chosen.

A matrix is [C, K] with the reduction axis first, or [groups, C, K] for a grouped convolution, which counts as the
matrix [C, groups * K]. N:M groups are runs of M rows of one column; the last one is shorter when M does not divide C.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from skipbeat_arch.errors import InputError
from skipbeat_arch.pattern import Pattern

#: Rows and columns of a block of the pattern `block:DENSITY`: one tile of a 16x16 array with M = 4.
BLOCK = (64, 16)
#: Up to this M, comparing all pairs of a group is quicker than sorting it.
_PAIRWISE_GROUP = 16

Mask = npt.NDArray[np.bool_]


def prune_mask(
    weight: npt.NDArray[np.floating] | npt.NDArray[np.integer], pattern: Pattern, block: tuple[int, int] = BLOCK
) -> Mask:
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
    if weight.ndim not in (2, 3) or weight.size == 0 or not bool(np.isfinite(weight).all()):
        raise InputError(f"weight of shape {weight.shape}: expected a matrix of finite numbers")
    if pattern.kind == "dense":
        return np.ones(weight.shape, np.bool_)
    magnitude = np.abs(_as_matrix(weight))
    if pattern.kind == "nm":
        mask = _nm_mask(magnitude, pattern.n, pattern.m)
    elif pattern.kind == "unstructured":
        mask = _largest(magnitude.reshape(-1), kept(pattern, magnitude.size)).reshape(magnitude.shape)
    else:
        mask = _block_mask(magnitude, pattern, block)
    return in_shape(mask, weight.shape)


def _as_matrix(weight: npt.NDArray[np.floating] | npt.NDArray[np.integer]) -> npt.NDArray[np.floating]:
    """[groups, C, K] as [C, groups * K], a matrix as it is; integers as floats, so that -128 has a magnitude."""
    values = weight.astype(np.promote_types(weight.dtype, np.float16), copy=False)
    return values if values.ndim == 2 else values.swapaxes(0, 1).reshape(values.shape[1], -1)


def in_shape(mask: Mask, shape: tuple[int, ...]) -> Mask:
    """The mask [C, groups * K] in the weight's own shape, [C, K] or [groups, C, K]."""
    if len(shape) == 2:
        return mask
    groups, rows, cols = shape
    return np.ascontiguousarray(mask.reshape(rows, groups, cols).swapaxes(0, 1))


def kept(pattern: Pattern, count: int) -> int:
    """How many of `count` elements or blocks a density keeps."""
    return max(1, round(pattern.density * count)) if pattern.density > 0 else 0


def block_counts(shape: tuple[int, int], block: tuple[int, int]) -> tuple[int, int]:
    """How many blocks lie below and beside each other in a matrix; those at its end are smaller."""
    return -(-shape[0] // block[0]), -(-shape[1] // block[1])


def expand_blocks(chosen: Mask, shape: tuple[int, int], block: tuple[int, int]) -> Mask:
    """The mask [C, K] whose blocks are set as in `chosen`, bool of `block_counts`."""
    return chosen.repeat(block[0], axis=0)[: shape[0]].repeat(block[1], axis=1)[:, : shape[1]]


def _nm_mask(magnitude: npt.NDArray[np.floating], n: int, m: int) -> Mask:
    rows, cols = magnitude.shape
    padded = np.pad(magnitude, ((0, -rows % m), (0, 0)), constant_values=-1) if rows % m else magnitude
    groups = padded.reshape(-1, m, cols)
    if m > _PAIRWISE_GROUP:
        ranking = np.argsort(-groups, axis=1, kind="stable")[:, :n]
        chosen = np.zeros(groups.shape, np.bool_)
        np.put_along_axis(chosen, ranking, True, axis=1)
    else:
        chosen = _ranks(groups) < n
    return chosen.reshape(-1, cols)[:rows]


def _ranks(groups: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    """How many of its group [groups, M, K] go before each element: those larger, and equal ones above it."""
    rank = np.zeros(groups.shape, np.uint8)
    for low in range(groups.shape[1]):
        for high in range(low + 1, groups.shape[1]):
            first = groups[:, low] >= groups[:, high]
            rank[:, high] += first
            rank[:, low] += ~first
    return rank


def _largest(magnitude: npt.NDArray[np.floating], count: int) -> Mask:
    """Mask of the `count` largest of a vector, ties to the lower index."""
    if count in (0, len(magnitude)):
        return np.full(len(magnitude), count > 0)
    threshold = np.partition(magnitude, -count)[-count]
    mask: Mask = magnitude > threshold
    ties = np.flatnonzero(magnitude == threshold)
    mask[ties[: count - int(mask.sum())]] = True
    return mask


def _block_mask(magnitude: npt.NDArray[np.floating], pattern: Pattern, block: tuple[int, int]) -> Mask:
    rows, cols = magnitude.shape
    starts = np.arange(0, rows, block[0]), np.arange(0, cols, block[1])
    energy = np.square(magnitude, dtype=np.float64)
    for axis in (0, 1):
        energy = np.add.reduceat(energy, starts[axis], axis=axis)
    heights, widths = np.diff(starts[0], append=rows), np.diff(starts[1], append=cols)
    mean_square = energy / np.outer(heights, widths)
    chosen = _largest(mean_square.reshape(-1), kept(pattern, mean_square.size)).reshape(mean_square.shape)
    return expand_blocks(chosen, (rows, cols), block)
