"""The units of a program one after the other, each with the loads of later ones between its passes."""

from __future__ import annotations

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.compiled import compiled, kept

from . import places as at
from .access import fill, get, put
from .hazards import add_pass, add_store, order, producers, write
from .places import ENGINES, EXECUTE, LOAD, NEVER, STORE, ZERO_CLOCKS
from .prefetch import NEAR, in_order, prefetchable

#: Clocks from the last step before a local STORE to its end, roughly.
DRAIN_CLOCKS = 64
#: Clocks of the bus that passes may have left for loads after them, or as many as the next one takes.
MAX_CREDIT = 512


@kept("skipbeat_mapper.order")
def order_units(s: Int64Array, m: Int64Array, start: int, stop: int) -> None:
    """Units from-to in their order, or until one is stuck; those before them have theirs."""
    if start == 0:
        add(s, m, at.HEADER, 0, STORE)
    for unit in range(start, stop):
        for number in range(in_order(s, m, unit, unit == 0)):
            load = get(s, m, at.NOW, number)
            if not add_load(s, m, load, unit):
                s[at.STUCK] = load
                return
        add_unit(s, m, unit, prefetchable(s, m, unit))
        for engine in range(ENGINES):
            put(s, m, at.HORIZON, engine, get(s, m, at.MARK, engine))
            put(s, m, at.MARK, engine, get(s, m, at.LAST, engine))
    if stop == s[at.UNITS]:
        order(s, m, s[at.NEWEST_LOAD], add(s, m, at.AN_END, 0, STORE), NEVER, NEVER)


@compiled
def add(s: Int64Array, m: Int64Array, kind: int, refers: int, engine: int) -> int:
    """Another draft."""
    draft: int = s[at.DRAFTS]
    put(s, m, at.KIND, draft, kind)
    put(s, m, at.REFERS, draft, refers)
    put(s, m, at.ENGINE, draft, engine)
    put(s, m, at.LAST, engine, draft)
    s[at.DRAFTS] += 1
    return draft


@compiled
def add_unit(s: Int64Array, m: Int64Array, unit: int, early: int) -> None:
    """A unit, and the first `early` ones of the loads in `EARLY` between its passes."""
    begin, store = s[at.DRAFTS], get(s, m, at.UNIT_STORE, unit)
    if store != at.NOWHERE:
        s[at.IS_LOCAL] = get(s, m, at.BANKS_START, store) != at.NOWHERE
    if s[at.IS_LOCAL]:
        early = window(s, m, unit, early)
    if get(s, m, at.WALK, unit) != s[at.SET_UP]:
        s[at.SET_UP] = get(s, m, at.WALK, unit)
        add(s, m, at.A_WALK, s[at.SET_UP], EXECUTE)
    if store != at.NOWHERE:
        if s[at.IS_LOCAL]:
            add(s, m, at.A_PLACE, store, STORE)
            start, stop = get(s, m, at.BANKS_START, store), get(s, m, at.BANKS_STOP, store)
            fill_lines(s, m, start, stop, get(s, m, at.LINE, store), get(s, m, at.APART, store))
        add_store(s, m, store, add(s, m, at.A_STORE, store, STORE))
    add_passes(s, m, unit, early)
    part, node = s[at.PARTS], get(s, m, at.NODE, unit)
    if part and get(s, m, at.PART_NODE, part - 1) == node:
        part -= 1
    else:
        put(s, m, at.PART_NODE, part, node)
        put(s, m, at.PART_START, part, begin)
    put(s, m, at.PART_STOP, part, s[at.DRAFTS])
    s[at.PARTS] = part + 1


@compiled
def window(s: Int64Array, m: Int64Array, unit: int, early: int) -> int:
    """Loads into the banks before a local STORE, as many as are done when its first result comes.

    Returns how many others there are, which come first in `EARLY` then.
    """
    others, is_open, left = 0, get(s, m, at.UNIT_STORE, unit) != at.NOWHERE, -s[at.LATENCY] - DRAIN_CLOCKS
    for number in range(get(s, m, at.FIRST_PASS, unit), get(s, m, at.FIRST_PASS, unit + 1) - 1):
        left += get(s, m, at.STEPS, number)
    for number in range(early):
        load, distance = get(s, m, at.EARLY, number), get(s, m, at.DISTANCE, number)
        if get(s, m, at.SPACE, load) != at.ACTIVATIONS:
            put(s, m, at.EARLY, others, load)
            put(s, m, at.DISTANCE, others, distance)
            others += 1
        elif is_open:
            left -= get(s, m, at.CLOCKS, load)
            is_open = in_time(s, left) and add_load(s, m, load, unit + distance)
    return others


@compiled
def in_time(s: Int64Array, left: int) -> bool:
    """Whether clocks are left; notes for which other latencies of the memory the answer is the same."""
    if left >= 0:
        s[at.MOST] = min(s[at.MOST], s[at.LATENCY] + left)
        return True
    s[at.LEAST] = max(s[at.LEAST], s[at.LATENCY] + left + 1)
    return False


@compiled
def add_passes(s: Int64Array, m: Int64Array, unit: int, early: int) -> None:
    """The passes, and between them near loads evenly, far ones as the bus has time for them."""
    first, stop, near = get(s, m, at.FIRST_PASS, unit), get(s, m, at.FIRST_PASS, unit + 1), 0
    while near < early and get(s, m, at.DISTANCE, near) <= NEAR:
        near += 1
    done, far = 0, near
    for number in range(first, stop):
        add_pass(s, m, number, add(s, m, at.A_PASS, number, EXECUTE))
        share = -(-near * (number - first + 1) // (stop - first))
        most = max(MAX_CREDIT, _clocks(s, m, far)) if far < early else MAX_CREDIT
        credit = min(s[at.CREDIT] + get(s, m, at.STEPS, number), most)
        for each in range(done, share):
            credit -= _clocks(s, m, each)
        credit, begin = max(credit, 0), far  # passes wait for what is near, which gives the bus its time
        while far < early and _clocks(s, m, far) <= credit:
            credit -= _clocks(s, m, far)
            far += 1
        s[at.CREDIT] = credit
        add_early(s, m, unit, done, share)
        add_early(s, m, unit, begin, far)
        done = share


@compiled
def _clocks(s: Int64Array, m: Int64Array, number: int) -> int:
    """What an early load costs the load engine."""
    return get(s, m, at.CLOCKS, get(s, m, at.EARLY, number))


@compiled
def add_early(s: Int64Array, m: Int64Array, unit: int, start: int, stop: int) -> None:
    """Early loads from-to; those that cannot be added yet come later."""
    for number in range(start, stop):
        add_load(s, m, get(s, m, at.EARLY, number), unit + get(s, m, at.DISTANCE, number))


@compiled
def add_load(s: Int64Array, m: Int64Array, load: int, unit: int) -> bool:
    """A load for a unit, if it can be said what it waits for."""
    space, start, stop = get(s, m, at.SPACE, load), get(s, m, at.START, load), get(s, m, at.STOP, load)
    source, source_stop = get(s, m, at.SOURCE, load), get(s, m, at.SOURCE_STOP, load)
    execute, store, known = producers(s, m, space, start, stop, source, source_stop)
    if not known:
        return False
    put(s, m, at.DONE, load, 1)
    node = get(s, m, at.NODE, unit)
    if source == at.NOWHERE:
        clear(s, m, load, node)
        return True
    draft = add(s, m, at.A_LOAD, load, LOAD)
    put(s, m, at.OWNER, draft, node)
    write(s, m, space, start, stop, execute, store, draft)
    if space == at.ACTIVATIONS:
        fill_lines(s, m, start, stop, get(s, m, at.WIDTH, load), get(s, m, at.PITCH, load))
    return True


@compiled
def clear(s: Int64Array, m: Int64Array, load: int, node: int) -> None:
    """ZEROs for the entries that are not zero, or one for all of them if that is quicker."""
    first = stop = s[at.ZEROS]
    apart = 0
    for span in range(get(s, m, at.FIRST_SPAN, load), get(s, m, at.FIRST_SPAN, load + 1)):
        begin, end = get(s, m, at.SPAN_START, span), get(s, m, at.SPAN_STOP, span)
        while begin < end and get(s, m, at.CLEAN, begin):
            begin += 1
        while begin < end and get(s, m, at.CLEAN, end - 1):
            end -= 1
        if begin < end:
            put(s, m, at.ZERO_START, stop, begin)
            put(s, m, at.ZERO_STOP, stop, end)
            apart, stop = apart + end - begin + ZERO_CLOCKS, stop + 1
    if stop > first and get(s, m, at.ZERO_STOP, stop - 1) - get(s, m, at.ZERO_START, first) < apart:
        put(s, m, at.ZERO_STOP, first, get(s, m, at.ZERO_STOP, stop - 1))
        stop = first + 1
    for zero in range(first, stop):
        begin, end = get(s, m, at.ZERO_START, zero), get(s, m, at.ZERO_STOP, zero)
        execute, store, known = producers(s, m, at.ACTIVATIONS, begin, end, at.NOWHERE, at.NOWHERE)
        draft = add(s, m, at.A_ZERO, zero, LOAD)
        put(s, m, at.OWNER, draft, node)
        write(s, m, at.ACTIVATIONS, begin, end, execute if known else NEVER, store if known else NEVER, draft)
        fill(s, m, at.CLEAN, begin, end, 1)
    s[at.ZEROS] = stop


@compiled
def fill_lines(s: Int64Array, m: Int64Array, start: int, stop: int, width: int, pitch: int) -> None:
    """Lines of entries that are not zero any more."""
    for line in range(start, stop, pitch):
        fill(s, m, at.CLEAN, line, line + width, 0)
