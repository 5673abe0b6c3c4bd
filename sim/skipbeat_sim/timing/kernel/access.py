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
