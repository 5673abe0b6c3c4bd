"""Rings of the on-chip memories: ranges come round and round, and what is kept is told apart from what was lost."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch.arrays import Int64Array
from skipbeat_mapper.order import places as at
from skipbeat_mapper.units.making import fields as f
from skipbeat_mapper.units.making.fields import Arrays
from skipbeat_mapper.units.making.rings import keep, take, take_any
from tests.mapper.random_nodes import few

SIZE = 12
#: A range without a name that is only taken, or one of four that are kept.
WANTED = st.lists(st.tuples(st.sampled_from(["", "a", "b", "c", "d"]), st.integers(1, SIZE - 2)), max_size=40)


def chip(space: int = at.WEIGHTS) -> Arrays:
    """A chip whose memories have so many entries, and nothing in them."""
    nothing: Mapping[str, Int64Array] = dict.fromkeys(Arrays._fields, np.zeros((0, 0), np.int64))
    own = np.zeros(f.CHIP_FIELDS, np.int64)
    own[f.NEXT + space] = int(space == at.TABLE)
    kept = np.zeros((at.SPACES, SIZE, 4), np.int64)
    return Arrays(**{**nothing, "machine": np.full(f.MACHINE_FIELDS, SIZE), "chip": own, "kept": kept})


@few
@given(WANTED, st.sampled_from([0, 1]))
def test_what_is_kept_is_there_as_long_as_nothing_was_put_over_it(wanted: list[tuple[str, int]], first: int) -> None:
    space = at.TABLE if first else at.WEIGHTS
    ring, sizes, last, behind = chip(space), dict[str, int](), dict[str, int](), first
    memory = [-1] * SIZE  # the number of the range that was put there last
    for number, (name, drawn) in enumerate(wanted):
        count = sizes.setdefault(name, drawn) if name else drawn
        there = name in last and memory.count(last[name]) == count
        start, new = keep(ring, space, ord(name), 7, count) if name else (take_any(ring, space, count), True)
        assert new != there
        if there:
            assert memory[start : start + count] == [last[name]] * count
            continue
        assert start == (behind if behind + count <= SIZE else first)
        behind = start + count
        memory[start:behind] = [number] * count
        if name:
            last[name] = number


@few
@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from([(0, 6), (6, SIZE), None])), max_size=20))
def test_a_range_lies_within_what_it_may_use(wanted: list[tuple[int, tuple[int, int] | None]]) -> None:
    ring, behind = chip(), 0
    for count, within in wanted:
        first, stop = within or (0, SIZE)
        start = take(ring, at.WEIGHTS, count, first, stop, False)
        assert start == (behind if first <= behind and behind + count <= stop else first)
        behind = start + count


@pytest.mark.parametrize(
    ("count", "starts"),
    [(8, [0, 4, 0, 4]), (11, [0, 1, 0, 1]), (12, [0, 0, 0, 0]), (6, [0, 6, 0, 6]), (5, [0, 5, 0, 5])],
)
def test_ranges_that_do_not_fit_twice_begin_at_the_start_and_end_at_the_end_in_turn(
    count: int, starts: list[int]
) -> None:
    ring = chip()
    assert [take(ring, at.WEIGHTS, count, 2, SIZE + 2, True) for _ in starts] == [2 + start for start in starts]


def test_more_than_there_is_reaches_beyond_the_end() -> None:
    ring = chip(at.TABLE)
    found = [take_any(ring, at.TABLE, SIZE - 1), take_any(ring, at.TABLE, SIZE), take(ring, at.TABLE, 3, 4, 6, False)]
    assert found == [1, 1, 4]


def test_what_is_kept_has_two_names() -> None:
    ring = chip()
    found = [keep(ring, at.WEIGHTS, key, part, 2) for key, part in ((1, 2), (1, 3), (2, 2), (1, 2), (2, 2))]
    assert found == [(0, True), (2, True), (4, True), (0, False), (4, False)]
    assert [ring.chip[f.KEPT + at.WEIGHTS], ring.chip[f.NEXT + at.WEIGHTS]] == [3, 6]
