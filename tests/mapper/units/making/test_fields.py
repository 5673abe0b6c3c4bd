"""Fields: those of one array are different ones, and as many as it has."""

from __future__ import annotations

import re
from inspect import getsource

from skipbeat_mapper.order import places as at
from skipbeat_mapper.units.making import fields as f


def groups() -> list[list[str]]:
    """Names that are numbered from 0 on, with those that go on from there."""
    found: list[list[str]] = []
    for names, first in re.findall(r"^([A-Z_, ]+) = range\((?:(\w+)(?: \* \w+\.SPACES| \+ 1)?, )?", getsource(f), re.M):
        own = names.split(", ")
        if not first:
            found.append([])
        found[-1] += own
    return found


def test_fields_of_one_array_are_numbered_from_0_on() -> None:
    sizes = {"NUMBER": f.NODE_FIELDS, "TILES": f.COLUMN_FIELDS, "UNIT_NODE": f.UNIT_FIELDS, "STEPS": f.PASS_FIELDS}
    sizes |= {"SPACE": f.LOAD_FIELDS, "STORE_ITEMS": f.STORE_FIELDS}
    checked = 0
    for names in groups():
        if names[0] in sizes:
            assert [getattr(f, name) for name in names] == list(range(sizes[names[0]])), names
            checked += 1
    assert checked == len(sizes)


def test_what_is_made_begins_with_what_the_order_reads() -> None:
    assert (f.WORDS_TO, f.LINE_PITCH, f.STORE_PITCH) == (
        at.WORDS_STOP - at.STEPS,
        at.PITCH - at.SPACE,
        at.APART - at.ITEMS,
    )
    assert f.CHIP_FIELDS > f.KEPT + at.SPACES
