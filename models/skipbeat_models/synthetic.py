"""Zeros for weights that have no memory: a mask drawn from a seed, quickly enough for models of many gigabytes."""

from __future__ import annotations

from functools import cache
from itertools import combinations
from math import comb, prod

import numpy as np

from skipbeat_arch.arrays import BoolArray
from skipbeat_arch.errors import InputError
from skipbeat_arch.pattern import Pattern

from .masks import in_shape, kept
from .pruners.block import BLOCK, block_counts, expand_blocks

#: Choices of N among M that are drawn from a table; beyond it the positions are drawn one by one.
_TABLE = 1 << 16
#: Elements that are drawn at a time, to bound the memory.
_CHUNK = 1 << 20


def synthetic_mask(shape: tuple[int, ...], pattern: Pattern, seed: int, block: tuple[int, int] = BLOCK) -> BoolArray:
    """A random mask that fulfils a pattern: bool in `shape`, [C, K] or [groups, C, K], the same for the same seed.

    - `dense`: all.
    - `nm`: exactly N of each group of M rows, all C(M, N) choices equally likely (all of a last group of N or fewer).
    - `unstructured`: round(density * count) elements, spread evenly over runs of about a million elements.
    - `block`: round(density * blocks) blocks of `block` rows and columns.

    The last two keep at least one unless the density is 0. The elements of one column are independent of the others',
    as those of trained weights are not: real weights are at least as uneven.

    Raises:
        InputError: `shape` has another number of dimensions or no elements.
    """
    if len(shape) not in (2, 3) or prod(shape) == 0:
        raise InputError(f"weight of shape {shape}: expected 2 or 3 dimensions that are not zero")
    random = np.random.Generator(np.random.SFC64(seed))
    matrix = (shape[-2], prod(shape) // shape[-2])
    if pattern.kind == "dense":
        mask = np.ones(matrix, np.bool_)
    elif pattern.kind == "nm":
        mask = _nm(random, matrix, pattern.n, pattern.m)
    elif pattern.kind == "unstructured":
        mask = _exactly(random, prod(matrix), kept(pattern, prod(matrix))).reshape(matrix)
    else:
        counts = block_counts(matrix, block)
        chosen = _exactly(random, prod(counts), kept(pattern, prod(counts))).reshape(counts)
        mask = expand_blocks(chosen, matrix, block)
    return in_shape(mask, shape)


def _nm(random: np.random.Generator, shape: tuple[int, int], n: int, m: int) -> BoolArray:
    rows, cols = shape
    full, rest = divmod(rows, m)
    mask = np.empty(shape, np.bool_)
    _draw_groups(random, mask[: full * m].reshape(full, m, cols), n)
    if rest:
        _draw_groups(random, mask[full * m :].reshape(1, rest, cols), min(n, rest))
    return mask


def _draw_groups(random: np.random.Generator, groups: BoolArray, n: int) -> None:
    """Set `n` of axis 1 of `groups` [G, M, K], which is a view, and clear the others."""
    m, cols = groups.shape[1:]
    choices = comb(m, n)
    at_a_time = max(1, _CHUNK // (m * cols))
    for start in range(0, len(groups), at_a_time):
        part = groups[start : start + at_a_time]
        if choices <= _TABLE:
            index = random.integers(choices, size=(len(part), cols), dtype=np.uint8 if choices < 256 else np.uint16)
            for position, column in enumerate(_table(n, m)):
                part[:, position] = column[index]
        else:
            ranking = np.argpartition(random.random(part.shape, np.float32), n - 1, axis=1)[:, :n]
            part[:] = False
            np.put_along_axis(part, ranking, True, axis=1)


@cache
def _table(n: int, m: int) -> BoolArray:
    """All ways to choose n of m, bool [m, C(m, n)]."""
    table = np.zeros((comb(m, n), m), np.bool_)
    for row, chosen in enumerate(combinations(range(m), n)):
        table[row, chosen] = True
    return np.ascontiguousarray(table.T)


def _exactly(random: np.random.Generator, size: int, count: int) -> BoolArray:
    """A vector in which exactly `count` of `size` are set; every run of `_CHUNK` has its share of them."""
    mask = np.empty(size, np.bool_)
    for start in range(0, size, _CHUNK):
        part = mask[start : start + _CHUNK]
        share = round(count * (start + len(part)) / size) - round(count * start / size)
        part[:] = random.random(len(part), np.float32) < share / len(part)
        surplus = int(np.count_nonzero(part)) - share
        if surplus:
            candidates = np.flatnonzero(part == (surplus > 0))
            part[random.choice(candidates, abs(surplus), replace=False)] = surplus < 0
    return mask
