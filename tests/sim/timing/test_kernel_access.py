"""Sequences of clocks, which are read as far as they are known and only get longer."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.hardware import load_hardware
from skipbeat_sim.timing.kernel import places as at
from skipbeat_sim.timing.kernel.access import entries, further, get, put
from skipbeat_sim.timing.kernel.filling import arranged


def test_sequences() -> None:
    s, m = arranged({at.FIRST: np.array([3, 5])}, {at.FIRST: 4, at.FREE: 1}, load_hardware("tiny-4x4")).begin()
    put(s, m, at.FIRST, 9)
    begin = entries(s, m, at.FIRST, 1, 3)
    assert m[begin : begin + 2].tolist() == [5, 9]
    m[further(s, m, at.FIRST, 1)] = 11
    assert [get(s, m, at.FIRST, place) for place in range(s[at.FIRST])] == [3, 5, 9, 11]


@pytest.mark.parametrize(("start", "stop"), [(0, 3), (-1, 1), (2, 1)])
def test_clocks_that_are_not_known_are_refused(start: int, stop: int) -> None:
    s, m = arranged({at.FIRST: np.array([3, 5])}, {at.FIRST: 4}, load_hardware("tiny-4x4")).begin()
    with pytest.raises(IndexError, match="not known yet"):
        entries(s, m, at.FIRST, start, stop)


def test_more_clocks_than_there_can_be_are_refused() -> None:
    s, m = arranged({at.FIRST: np.array([3, 5])}, {at.FIRST: 4}, load_hardware("tiny-4x4")).begin()
    with pytest.raises(IndexError, match="more entries than there can be"):
        further(s, m, at.FIRST, 3)
    with pytest.raises(IndexError, match="more entries than there can be"):
        further(s, m, at.FIRST, -1)
