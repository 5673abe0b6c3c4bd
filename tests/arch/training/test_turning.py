"""Turned vectors against their definition."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.training.turning import turn, turn_back


@pytest.mark.parametrize(("group", "width"), [(2, 4), (4, 4), (4, 16), (8, 32)])
def test_bundles_of_lanes(group: int, width: int) -> None:
    vectors = np.arange(3 * group * width).reshape(3 * group, width)
    bundles = turn(vectors, group).reshape(3, width, group)
    for block in range(3):
        for lane in range(width):
            assert bundles[block, lane].tolist() == [vectors[block * group + i, lane] for i in range(group)]
    assert np.array_equal(turn_back(turn(vectors, group), group), vectors)


def test_whole_groups() -> None:
    with pytest.raises(ValueError, match="multiples of 4, not 6 and 8"):
        turn(np.zeros((6, 8), np.int8), 4)
