"""Columns of numbers in one array."""

from __future__ import annotations

import numpy as np

from skipbeat_mapper.order import places as at
from skipbeat_mapper.order.places import NEVER, arranged, column
from skipbeat_mapper.units.units import Space


def test_every_column_and_value_has_its_own_place() -> None:
    names = {name: value for name, value in vars(at).items() if name.isupper() and isinstance(value, int)}
    first, last = list(names).index("NODE"), list(names).index("VALUES")
    numbers = [value for name, value in list(names.items())[first:last] if name not in ("READ_COLUMNS", "COLUMNS")]
    assert len(set(numbers)) == len(numbers)
    assert set(numbers) >= set(range(at.READ_COLUMNS))


def test_spaces_are_numbered_as_elsewhere() -> None:
    assert [getattr(at, space.name) for space in Space] == list(Space)
    assert len(Space) == at.SPACES


def test_columns_are_as_long_as_they_are_and_begin_as_they_are_told() -> None:
    s, m = arranged({number: np.full(number % 3, number) if number % 2 else number % 5 for number in range(at.COLUMNS)})
    for number in range(at.COLUMNS):
        wanted = [number] * (number % 3) if number % 2 else [NEVER] * (number % 5)
        assert column(s, m, number).tolist() == wanted
    assert not s[at.COLUMNS + 1 :].any()
