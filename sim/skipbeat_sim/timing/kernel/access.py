"""How processes read and extend the sequences of `places.py`."""

from __future__ import annotations

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.compiled import compiled

from .places import SEQUENCES


@compiled
def get(s: Int64Array, m: Int64Array, sequence: int, place: int) -> int:
    """An entry of a sequence."""
    entry: int = m[s[SEQUENCES + sequence] + place]
    return entry


@compiled
def put(s: Int64Array, m: Int64Array, sequence: int, value: int) -> None:
    """Another entry of a sequence, which is known now."""
    place = s[SEQUENCES + sequence] + s[sequence]
    if place >= s[SEQUENCES + sequence + 1]:
        raise IndexError("timing model: a sequence of clocks has more entries than there can be")
    m[place] = value
    s[sequence] += 1


@compiled
def entries(s: Int64Array, m: Int64Array, sequence: int, start: int, stop: int) -> int:
    """Where entries from-to of a sequence begin in `m`, all of which are known."""
    if start < 0 or stop < start or stop > s[sequence]:
        raise IndexError("timing model: clocks are read that are not known yet")
    begin: int = s[SEQUENCES + sequence] + start
    return begin


@compiled
def further(s: Int64Array, m: Int64Array, sequence: int, count: int) -> int:
    """Where so many more entries of a sequence begin in `m`, which count as known."""
    begin: int = s[SEQUENCES + sequence] + s[sequence]
    if count < 0 or begin + count > s[SEQUENCES + sequence + 1]:
        raise IndexError("timing model: a sequence of clocks has more entries than there can be")
    s[sequence] += count
    return begin
