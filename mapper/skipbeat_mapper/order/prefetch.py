"""Loads of later units that may be put before the end of the present one."""

from __future__ import annotations

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.compiled import compiled

from . import places as at
from .access import get, put

#: Units whose loads are put between the passes of the present one, whatever they cost.
NEAR = 2
#: Units whose loads are put there as far as they take no longer than its passes.
FAR = 16


@compiled
def prefetchable(s: Int64Array, m: Int64Array, present: int) -> int:
    """Finds loads of later units that disturb nothing that is still to run before them, for `EARLY` and `DISTANCE`.

    Early ones may be put in any order. So none writes what one of an earlier unit writes, read there or not.

    Args:
        s, m: the order so far.
        present: the unit that runs.

    Returns:
        How many there are.
    """
    ranges = found = 0
    known = present
    for unit in range(present + 1, min(present + FAR + 1, s[at.UNITS])):
        first, stop = get(s, m, at.FIRST_LOAD, unit), get(s, m, at.FIRST_LOAD, unit + 1)
        while first < stop and get(s, m, at.DONE, first):
            first += 1
        if first == stop:
            continue
        ranges, known = _busy(s, m, known, unit, ranges), unit
        before = found
        for load in range(first, stop):
            if get(s, m, at.DONE, load):
                continue
            if _disturbs(s, m, load, ranges):
                ranges = _add_range(s, m, ranges, *_written(s, m, load))
            else:
                put(s, m, at.EARLY, found, load)
                put(s, m, at.DISTANCE, found, unit - present)
                found += 1
        for number in range(before, found):
            ranges = _add_range(s, m, ranges, *_written(s, m, get(s, m, at.EARLY, number)))
    return found


@compiled
def _busy(s: Int64Array, m: Int64Array, first: int, stop: int, ranges: int) -> int:
    """Adds what must not change while units from-to run; how many ranges there are then."""
    for unit in range(first, stop):
        for number in range(at.BUSY):
            start = get(s, m, at.BUSY_START, at.BUSY * unit + number)
            if start != at.NOWHERE:
                end = get(s, m, at.BUSY_STOP, at.BUSY * unit + number)
                ranges = _add_range(s, m, ranges, at.BUSY_SPACES[number], start, end)
    return ranges


@compiled
def _add_range(s: Int64Array, m: Int64Array, ranges: int, space: int, start: int, stop: int) -> int:
    put(s, m, at.RANGE_SPACE, ranges, space)
    put(s, m, at.RANGE_START, ranges, start)
    put(s, m, at.RANGE_STOP, ranges, stop)
    return ranges + 1


@compiled
def _written(s: Int64Array, m: Int64Array, load: int) -> tuple[int, int, int]:
    return get(s, m, at.SPACE, load), get(s, m, at.START, load), get(s, m, at.STOP, load)


@compiled
def _disturbs(s: Int64Array, m: Int64Array, load: int, ranges: int) -> bool:
    """Whether a load writes or reads an entry of the first so many ranges."""
    space, start, stop = _written(s, m, load)
    source, source_stop = get(s, m, at.SOURCE, load), get(s, m, at.SOURCE_STOP, load)
    for number in range(ranges):
        of, first, last = get(s, m, at.RANGE_SPACE, number), at.RANGE_START, at.RANGE_STOP
        if of == space and get(s, m, first, number) < stop and start < get(s, m, last, number):
            return True
        if of == at.MEMORY and get(s, m, first, number) < source_stop and source < get(s, m, last, number):
            return True
    return False


@compiled
def in_order(s: Int64Array, m: Int64Array, unit: int, first: bool) -> int:
    """A unit's loads that have no place yet, for `NOW`, in the order in which they are best emitted; how many.

    What writes the banks may have to wait for a local STORE and comes last, except before the `first` one: then there
    is nothing to wait for, and a ZERO is not kept up by LOADs before it.
    """
    count = 0
    for turn in range(2):
        for load in range(get(s, m, at.FIRST_LOAD, unit), get(s, m, at.FIRST_LOAD, unit + 1)):
            later = get(s, m, at.SPACE, load) == at.ACTIVATIONS
            if first:
                later = get(s, m, at.SOURCE, load) != at.NOWHERE
            if not get(s, m, at.DONE, load) and later == (turn == 1):
                put(s, m, at.NOW, count, load)
                count += 1
    return count
