"""The on-chip memories as units use them: each one round and round."""

from __future__ import annotations

from skipbeat_arch.compiled import compiled

from ...order import places as at
from . import fields as f
from .fields import Arrays


@compiled
def take(a: Arrays, space: int, count: int, first: int, stop: int, apart: bool) -> int:
    """The first of `count` entries behind the last ones, or `first` if they do not fit before `stop`.

    More than there are reach beyond the end, which `limits.check` refuses. With `apart` they may also lie at the end,
    if that leaves more of the last ones alone.
    """
    last = a.chip[f.NEXT + space]
    start = last if first <= last <= stop - count else first
    if apart and start == first < last < stop < first + 2 * count:
        start = max(first, stop - count)
    a.chip[f.NEXT + space] = start + count
    left = 0
    for each in range(a.chip[f.KEPT + space]):
        if a.kept[space, each, f.KEPT_STOP] <= start or start + count <= a.kept[space, each, f.KEPT_START]:
            for field in range(4):
                a.kept[space, left, field] = a.kept[space, each, field]
            left += 1
    a.chip[f.KEPT + space] = left
    return start


@compiled
def take_any(a: Arrays, space: int, count: int) -> int:
    """The same in all of a memory; entry 0 of the table is that of zeros."""
    return take(a, space, count, int(space == at.TABLE), a.machine[space], False)


@compiled
def keep(a: Arrays, space: int, key: int, part: int, count: int) -> tuple[int, bool]:
    """The first of the `count` entries that two numbers name, and whether they are new: not still there from before."""
    for each in range(a.chip[f.KEPT + space]):
        if a.kept[space, each, f.KEY] == key and a.kept[space, each, f.KEY_PART] == part:
            return a.kept[space, each, f.KEPT_START], False
    start = take_any(a, space, count)
    if count:
        last = a.chip[f.KEPT + space]
        a.kept[space, last, f.KEY], a.kept[space, last, f.KEY_PART] = key, part
        a.kept[space, last, f.KEPT_START], a.kept[space, last, f.KEPT_STOP] = start, start + count
        a.chip[f.KEPT + space] = last + 1
    return start, True
