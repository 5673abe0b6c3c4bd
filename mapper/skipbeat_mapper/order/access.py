"""How the columns of `places.py` are read and changed."""

from __future__ import annotations

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.compiled import compiled

from .places import NEVER


@compiled
def get(s: Int64Array, m: Int64Array, number: int, at: int) -> int:
    """An entry of a column."""
    entry: int = m[s[number] + at]
    return entry


@compiled
def put(s: Int64Array, m: Int64Array, number: int, at: int, value: int) -> None:
    """Another value for an entry of a column."""
    m[s[number] + at] = value


@compiled
def entries(s: Int64Array, m: Int64Array, number: int, start: int, stop: int) -> int:
    """Where entries from-to of a column begin, whose bounds are checked once."""
    begin: int = s[number] + start
    if begin < 0 or s[number] + stop > m.size:
        raise IndexError("order: a range is not within the columns")
    return begin


@compiled
def fill(s: Int64Array, m: Int64Array, number: int, start: int, stop: int, value: int) -> None:
    """The same value for entries from-to."""
    begin = entries(s, m, number, start, stop)
    m[begin : begin + stop - start] = value


@compiled
def greatest(s: Int64Array, m: Int64Array, number: int, start: int, stop: int) -> int:
    """The greatest of entries from-to, or `NEVER`."""
    found, begin = NEVER, entries(s, m, number, start, stop)
    for entry in m[begin : begin + stop - start]:
        found = max(found, entry)
    return found
