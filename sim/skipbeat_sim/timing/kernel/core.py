"""The fetcher, the core and the output stage."""

from __future__ import annotations

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.compiled import compiled
from skipbeat_arch.depths import FETCHER_ROOM, SETTLE
from skipbeat_arch.engines import Engine

from ..load_timing import NEVER
from ..output_pace import PARAMETER_CLOCKS
from . import places as at
from .access import entries, further, get, put
from .bus import write
from .engines import EXECUTE, STORE, give
from .tiles import load_tile

#: Pixels of a pass that the next one may have to wait for; those after them are written by the time it reads them.
SETTLING = SETTLE - 1
#: From a job's start to the first of its bundles at the core.
FEED_LATENCY = 4
TO_LOAD, TO_EXECUTE = 1 << int(Engine.LOAD), 1 << int(Engine.EXECUTE)


@compiled
def closed(s: Int64Array, m: Int64Array, pixel: int) -> int:
    """The last step of a pixel with bundles, counted over the whole program, or `UNKNOWN`; in ascending order."""
    fed = s[at.CORE_FED]
    while fed < s[at.PIXELS] and get(s, m, at.PIXELS_BEFORE, fed + 1) <= pixel:
        fed += 1
    s[at.CORE_FED] = fed
    if fed >= s[at.FIRST]:
        return at.UNKNOWN
    within = pixel - get(s, m, at.PIXELS_BEFORE, fed)
    if not get(s, m, at.IS_LAST, fed):
        return get(s, m, at.FIRST, fed) + (within + 1) * get(s, m, at.BEAT, fed) - 1
    item = get(s, m, at.ITEMS_BEFORE, fed) + within
    return get(s, m, at.CLOSED, item) if item < s[at.CLOSED] else at.UNKNOWN


@compiled
def walk(s: Int64Array, m: Int64Array) -> bool:
    """A job starts with its offsets, when the one before has ended, and reads a pixel per clock."""
    moved = False
    while s[at.WALKING] < s[at.JOB_PUSHED]:
        job = s[at.WALKING]
        count = get(s, m, at.JOB_PIXELS, job)
        if s[at.JOB_POPPED] == job:
            before = get(s, m, at.JOB_STARTED, job - 1) if job else 0
            put(s, m, at.JOB_POPPED, max(get(s, m, at.JOB_PUSHED, job) + 1, before))
            moved = True
        if s[at.JOB_STARTED] == job:
            start = max(get(s, m, at.JOB_POPPED, job) + 2, s[at.WALKED])
            put(s, m, at.JOB_STARTED, start)
            s[at.WALKED] = start + max(count, 1)
            s[at.WALKED_PIXELS] += count
            moved = True
        if s[at.JOB_POPPED] == job + 1 and job + 1 < s[at.JOB_PUSHED]:
            put(s, m, at.JOB_POPPED, max(get(s, m, at.JOB_PUSHED, job + 1) + 1, get(s, m, at.JOB_STARTED, job)))
            moved = True
        if count and s[at.WALKED_PIXELS] > FETCHER_ROOM:
            clock = closed(s, m, s[at.WALKED_PIXELS] - 1 - FETCHER_ROOM)
            if clock == at.UNKNOWN:
                break
            s[at.WALKED] = max(s[at.WALKED], clock + 1)
        give(s, m, EXECUTE, get(s, m, at.JOB_SIGNAL, job), s[at.WALKED] + 2)
        s[at.WALKING] += 1
        moved = True
    return moved


@compiled
def run_pass(s: Int64Array, m: Int64Array) -> bool:
    """Go on with the next pass: it waits for its tile, the pass before, its first bundle and credits."""
    number, moved = s[at.CORE_PASS], False
    if number >= s[at.QUEUED]:
        return False
    beat = get(s, m, at.BEAT, number)
    if s[at.PASS_TAKEN] == number:
        _take(s, m, number, get(s, m, at.QUEUED, number))
        moved = True
    if s[at.FIRST] == number:
        first = get(s, m, at.PASS_TAKEN, number) + 1
        if beat:
            job = get(s, m, at.JOB, number)
            if s[at.JOB_STARTED] <= job:
                return moved
            first = max(first, get(s, m, at.JOB_STARTED, job) + FEED_LATENCY)
        put(s, m, at.FIRST, first)
        s[at.CORE_STEP], s[at.CORE_DONE] = first, 0
        moved = True
    pixels = get(s, m, at.PIXELS, number)
    if get(s, m, at.IS_LAST, number):
        moved = _close_items(s, m, get(s, m, at.ITEMS_BEFORE, number), pixels, max(beat, 1)) or moved
        if s[at.CORE_DONE] < pixels:
            return moved
    else:
        put(s, m, at.FREE, get(s, m, at.FIRST, number) + max(beat, 1) * pixels - 1)
    s[at.CORE_PASS] += 1
    return True


@compiled
def _take(s: Int64Array, m: Int64Array, number: int, queued: int) -> None:
    """The pass is taken when the one before has ended, its tile is in its bank and what it reads is settled."""
    free = get(s, m, at.FREE, number - 1) if number else -1
    loads, tile = get(s, m, at.LOADS_TILE, number), s[at.CORE_LOADS]
    take = max(queued + 1, free)
    if loads:
        weights = max(queued + 1, s[at.WEIGHTS_FREE])
        s[at.WEIGHTS_FREE] = weights + get(s, m, at.TILE_WORDS, tile)
        take = max(take, load_tile(s, m, get(s, m, at.TILE_PATH, tile), weights, s[at.BANK_FREE], NEVER))
        s[at.CORE_LOADS] += 1
    if number and not get(s, m, at.IS_FIRST, number):
        take = max(take, settled(s, m, number))
    if loads and tile:
        s[at.BANK_FREE] = take + 1
    put(s, m, at.PASS_TAKEN, take)
    put(s, m, at.WAITING, max(free, min(queued, take)))


@compiled
def settled(s: Int64Array, m: Int64Array, number: int) -> int:
    """When a pass may read what the first pixels of the pass before it have written."""
    before, clock = number - 1, 0
    beat, beat_before = max(get(s, m, at.BEAT, number), 1), max(get(s, m, at.BEAT, before), 1)
    for pixel in range(min(get(s, m, at.PIXELS, before), SETTLING)):
        if get(s, m, at.IS_LAST, before):
            close = get(s, m, at.CLOSED, get(s, m, at.ITEMS_BEFORE, before) + pixel)
        else:
            close = get(s, m, at.FIRST, before) + (pixel + 1) * beat_before - 1
        clock = max(clock, close + SETTLE - 1 - pixel * beat)
    return clock


@compiled
def _close_items(s: Int64Array, m: Int64Array, item: int, count: int, beat: int) -> bool:
    """The pixels of a last pass, each with a credit, as far as credits are known."""
    done, step, late = s[at.CORE_DONE], s[at.CORE_STEP], item - s[at.CREDITS]
    stop = min(count, s[at.TAKEN] - late)
    if stop <= done:
        return False
    first, last = max(0, done + late), max(0, stop + late)
    taken, closes = entries(s, m, at.TAKEN, first, last), further(s, m, at.CLOSED, stop - done)
    free = stop - done - (last - first)  # the first items need no credit of another one
    for place in range(free):
        step += beat
        m[closes + place] = step - 1
    for place in range(last - first):
        step = max(step, m[taken + place] + 1) + beat
        m[closes + free + place] = step - 1
    s[at.CORE_DONE], s[at.CORE_STEP] = stop, step
    if stop == count:
        put(s, m, at.FREE, step - 1)
    return True


@compiled
def take_items(s: Int64Array, m: Int64Array) -> bool:
    """The output stage takes items at its pace; when its last vector leaves, the STORE tells the execute engine."""
    moved = False
    while s[at.STORE_FILLED] < s[at.STORE_BEGUN]:
        store = s[at.STORE_FILLED]
        begin, end = get(s, m, at.STORE_ITEMS, store), get(s, m, at.STORE_ITEMS, store + 1)
        if not s[at.TAKING]:
            s[at.ITEM_STEP], s[at.TAKING] = get(s, m, at.STORE_BEGUN, store) + PARAMETER_CLOCKS, 1
        steps, step = get(s, m, at.PACE_STEPS, store), s[at.ITEM_STEP]
        window, pause = get(s, m, at.PACE_WINDOW, store), get(s, m, at.PACE_PAUSE, store)
        first, latency = s[at.TAKEN], s[at.PACE_LATENCY]
        count = max(0, min(end, s[at.CLOSED]) - first)
        closes, takes = entries(s, m, at.CLOSED, first, first + count), further(s, m, at.TAKEN, count)
        for place in range(count):
            if pause and first + place > begin and (first + place - begin) % window == 0:
                step += pause
            step = max(step, m[closes + place] + latency)
            m[takes + place] = step
            step += steps
        moved = moved or count > 0
        s[at.ITEM_STEP] = step
        if s[at.TAKEN] < end:
            break
        # a TURN has no items
        last = get(s, m, at.TAKEN, end - 1) if end > begin else get(s, m, at.STORE_BEGUN, store)
        filled = last + get(s, m, at.VECTOR_CLOCKS, store)
        give(s, m, STORE, get(s, m, at.STORE_SIGNAL, store) & TO_EXECUTE, filled + 1)
        put(s, m, at.STORE_FILLED, filled)
        s[at.TAKING], moved = 0, True
    return moved


@compiled
def finish(s: Int64Array, m: Int64Array) -> bool:
    """STOREs finish in order: with the memory's last response, or a clock after the last vector, and tell load."""
    moved = False
    while s[at.STORE_POPPED] < s[at.STORE_FILLED]:
        store, memory = s[at.STORE_POPPED], get(s, m, at.STORE_MEMORY, s[at.STORE_POPPED])
        if not s[at.STORE_ASKED]:
            s[at.POPPED] = max(get(s, m, at.STORE_FILLED, store), s[at.POPPED]) + 1
            moved = True
        if memory:
            if not s[at.STORE_ASKED]:
                write(s, m, s[at.POPPED], get(s, m, at.STORE_START, store), get(s, m, at.STORE_BEATS, store))
                s[at.STORE_ASKED] = 1
            if s[at.STORE_DONE] <= s[at.ANSWERED]:
                break
            s[at.POPPED] = get(s, m, at.STORE_DONE, s[at.ANSWERED])
            s[at.ANSWERED] += 1
            s[at.STORE_ASKED] = 0
            moved = True
        give(s, m, STORE, get(s, m, at.STORE_SIGNAL, store) & TO_LOAD, s[at.POPPED] + 1)
        put(s, m, at.STORE_POPPED, s[at.POPPED])
    return moved
