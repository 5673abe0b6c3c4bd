"""Entries of columns, read and changed one by one and by ranges."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_mapper.order import places as at
from skipbeat_mapper.order.access import fill, get, greatest, put
from skipbeat_mapper.order.places import NEVER, arranged, column


def test_entries_of_a_column() -> None:
    s, m = arranged({number: np.arange(3) if number == at.STEPS else 1 for number in range(at.COLUMNS)})
    put(s, m, at.STEPS, 1, 7)
    assert [get(s, m, at.STEPS, place) for place in range(3)] == [0, 7, 2]
    assert [greatest(s, m, at.STEPS, *span) for span in ((0, 1), (0, 3), (2, 2))] == [0, 7, NEVER]
    fill(s, m, at.STEPS, 0, 2, 5)
    assert column(s, m, at.STEPS).tolist() == [5, 5, 2]
    with pytest.raises(IndexError):
        get(s, m, at.STEPS, m.size)
