"""Selection of vectors against loops over their groups."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.training.mvue import keep_one
from skipbeat_arch.training.selecting import generator_draws, select_ranked, select_unbiased

VECTORS = np.random.default_rng(1).integers(-127, 128, (12, 8)).astype(np.int8)


@pytest.mark.parametrize("along_time", [False, True])
def test_by_rank(along_time: bool) -> None:
    values, kept = select_ranked(VECTORS, 4, 2, along_time)
    assert np.array_equal(values, np.where(kept, VECTORS, 0))
    for at in range(0, 12, 4):
        for lane in range(0, 8, 4):
            for k in range(4):
                group = (slice(at, at + 4), lane + k) if along_time else (at + k, slice(lane, lane + 4))
                largest = sorted(range(4), key=lambda i: (-abs(int(VECTORS[group][i])), i))[:2]
                assert set(np.flatnonzero(kept[group])) == set(largest)


@pytest.mark.parametrize("q", [2, 4])
@pytest.mark.parametrize("along_time", [False, True])
def test_without_bias(q: int, along_time: bool) -> None:
    values, kept = select_unbiased(VECTORS, 4, q, 9, along_time)
    drawn = generator_draws(9, 8, 12)
    for at in range(12):
        for lane in range(0, 8, q):
            # bundles 2j and 2j + 1 of four vectors are vector j when they are turned
            bundle, inside = at % 4 * 2 + lane // 4, lane % 4
            first = at // 4 * 4 + inside
            group = (slice(first, first + q), bundle) if along_time else (at, slice(lane, lane + q))
            expected, place = keep_one(VECTORS[group], drawn[at, lane // 2])
            assert values[group].tolist() == expected.tolist()
            assert kept[group].tolist() == place.tolist()
