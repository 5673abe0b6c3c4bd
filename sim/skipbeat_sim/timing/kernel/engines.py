"""Fetch and the engines: requests and dispatch, and when instructions begin."""

from __future__ import annotations

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.compiled import compiled
from skipbeat_arch.depths import (
    CORE_QUEUE,
    ENGINE_QUEUE,
    FETCH_CHUNK,
    FETCH_QUEUE,
    LOAD_QUEUE,
    OUTPUT_HALVES,
    PART_QUEUE,
    STORE_QUEUE,
)
from skipbeat_arch.engines import Engine
from skipbeat_arch.instruction import INSTRUCTION_BYTES

from . import places as at
from .access import get, put
from .bus import ask

#: The first clock in which fetch can ask, the start pulse being in clock 0.
FIRST_REQUEST = 2
#: From an instruction's last beat to its dispatch: the reader's register, the queue's memory and its two registers.
QUEUED = 4
LOAD, EXECUTE, STORE = int(Engine.LOAD), int(Engine.EXECUTE), int(Engine.STORE)


@compiled
def ready(s: Int64Array, m: Int64Array, engine: int, place: int) -> int:
    """The first clock in which an engine sees its next instruction with all its tokens, or `UNKNOWN`."""
    number, wait = get(s, m, at.NUMBER + engine, place), get(s, m, at.WAIT + engine, place)
    if s[at.DISPATCHED] <= number:
        return at.UNKNOWN
    clock = get(s, m, at.DISPATCHED, number) + 1
    for giver in range(at.ENGINES):
        if wait >> giver & 1:
            pair = at.ENGINES * giver + engine
            taken = s[at.TOKENS_TAKEN + pair]
            if s[at.TOKENS + pair] <= taken:
                return at.UNKNOWN
            clock = max(clock, get(s, m, at.TOKENS + pair, taken))
    return clock


@compiled
def begin(s: Int64Array, m: Int64Array, engine: int, place: int, begun: int, left: int) -> None:
    """An instruction begins: its tokens go, and it leaves its queue."""
    wait = get(s, m, at.WAIT + engine, place)
    for giver in range(at.ENGINES):
        if wait >> giver & 1:
            put(s, m, at.TOKENS_TAKEN + at.ENGINES * giver + engine, begun)
    put(s, m, at.BEGUN + engine, begun)
    put(s, m, at.LEFT + engine, left)


@compiled
def give(s: Int64Array, m: Int64Array, giver: int, takers: int, clock: int) -> None:
    """Tokens that are given in this clock: they can be taken one clock later."""
    for taker in range(at.ENGINES):
        if takers >> taker & 1:
            put(s, m, at.TOKENS + at.ENGINES * giver + taker, clock + 1)


@compiled
def request(s: Int64Array, m: Int64Array) -> bool:
    """A chunk is asked for when the one before is on its way and there is room for a whole one."""
    number, count = s[at.REQUESTS], s[at.ENGINE]
    first = number * FETCH_CHUNK
    if first >= count or s[at.ASKED] < number:
        return False
    clock = get(s, m, at.ASKED, number - 1) + 2 if number else FIRST_REQUEST
    if first >= FETCH_QUEUE:
        last = first + FETCH_CHUNK - FETCH_QUEUE - 1
        if s[at.DISPATCHED] <= last:
            return False
        clock = max(clock, get(s, m, at.DISPATCHED, last) + 2)
    chunk = min(FETCH_CHUNK, count - first)
    beats = -(-chunk * INSTRUCTION_BYTES // s[at.VECTOR]) * s[at.VECTOR_BEATS]
    start = (s[at.ADDRESS] + first * INSTRUCTION_BYTES) // s[at.BEAT_BYTES] % s[at.LONGEST]
    ask(s, at.FETCH_REQUEST, clock, start, beats, chunk, 0)
    s[at.FETCH_CLOCK] = clock
    s[at.REQUESTS] += 1
    return True


@compiled
def dispatch(s: Int64Array, m: Int64Array) -> bool:
    """One instruction per clock, in order, each when its queue has a place."""
    clock, first = s[at.DISPATCH_CLOCK], s[at.DISPATCHED]
    for number in range(first, s[at.FETCHED]):
        following = max(clock + 1, get(s, m, at.FETCHED, number) + QUEUED)
        engine, place = get(s, m, at.ENGINE, number), get(s, m, at.PLACE, number) - ENGINE_QUEUE
        if engine >= 0 and place >= 0:
            if s[at.LEFT + engine] <= place:
                break
            following = max(following, get(s, m, at.LEFT + engine, place) + 1)
        clock = following
        put(s, m, at.DISPATCHED, clock)
    s[at.DISPATCH_CLOCK] = clock
    return bool(s[at.DISPATCHED] > first)


@compiled
def load_begin(s: Int64Array, m: Int64Array) -> bool:
    """Instructions begin in order, at most one per clock."""
    moved = False
    while s[at.BEGUN + LOAD] < s[at.NUMBER + LOAD]:
        place, loads = s[at.BEGUN + LOAD], s[at.LOADS]
        if get(s, m, at.KIND_LOAD, place) == at.A_LOAD:
            if not s[at.LOAD_ASKED]:
                clock = _load_free(s, m, place, loads - LOAD_QUEUE)
                if clock == at.UNKNOWN:
                    return moved
                start, beats = get(s, m, at.LOAD_START, loads), get(s, m, at.LOAD_BEATS, loads)
                ask(s, at.LOAD_REQUEST, clock, start, beats, 0, get(s, m, at.LOAD_BANKS, loads))
                s[at.LOAD_REQUEST_CLOCK], s[at.LOAD_ASKED] = clock, 1
                moved = True
            if s[at.LOAD_ACCEPTED] <= loads:
                return moved
            begun = clock = get(s, m, at.LOAD_ACCEPTED, loads)
            s[at.LOAD_ASKED] = 0
            s[at.LOADS] += 1
        else:
            begun = _load_free(s, m, place, loads - 1)
            if begun == at.UNKNOWN:
                return moved
            clock = begun + get(s, m, at.COUNT_LOAD, place)
            give(s, m, LOAD, get(s, m, at.SIGNAL + LOAD, place), clock + 1)
        begin(s, m, LOAD, place, begun, clock)
        s[at.LOAD_CLOCK] = clock
        moved = True
    return moved


@compiled
def _load_free(s: Int64Array, m: Int64Array, place: int, before: int) -> int:
    """The first clock in which an instruction can begin once LOAD `before` has ended, or `UNKNOWN`."""
    clock = ready(s, m, LOAD, place)
    if clock == at.UNKNOWN or s[at.LOAD_ENDED] <= before:
        return at.UNKNOWN
    clock = max(int(s[at.LOAD_CLOCK]) + 1, clock)
    return max(clock, get(s, m, at.LOAD_ENDED, before) + 2) if before >= 0 else clock


@compiled
def load_end(s: Int64Array, m: Int64Array) -> bool:
    """A LOAD has finished when its last vector is written, one clock after it came; it signals one later."""
    first = s[at.LOAD_ENDED]
    for index in range(first, s[at.LOAD_FINAL]):
        final = get(s, m, at.LOAD_FINAL, index)
        give(s, m, LOAD, get(s, m, at.LOAD_SIGNAL, index), final + 2)
        put(s, m, at.LOAD_ENDED, final)
    return bool(s[at.LOAD_ENDED] > first)


@compiled
def execute_begin(s: Int64Array, m: Int64Array) -> bool:
    """Instructions begin in order, at most one per clock; a PASS when the core has a place for it."""
    first, clock = s[at.BEGUN + EXECUTE], s[at.EXECUTE_CLOCK]
    for place in range(first, s[at.NUMBER + EXECUTE]):
        seen, job, kind = ready(s, m, EXECUTE, place), s[at.JOBS] - PART_QUEUE, get(s, m, at.KIND_EXECUTE, place)
        queued = s[at.PASSES] - CORE_QUEUE
        if seen == at.UNKNOWN or s[at.JOB_POPPED] <= job or (kind == at.A_PASS and s[at.PASS_TAKEN] <= queued):
            break
        clock = max(clock + 1, seen)
        if job >= 0:
            clock = max(clock, get(s, m, at.JOB_POPPED, job) + 1)
        if kind == at.A_PASS:
            if queued >= 0:
                clock = max(clock, get(s, m, at.PASS_TAKEN, queued) + 1)
            s[at.PASSES] += 1
            put(s, m, at.QUEUED, clock)
        begin(s, m, EXECUTE, place, clock, clock)
        if kind != at.NO_JOB:
            s[at.JOBS] += 1
            put(s, m, at.JOB_PUSHED, clock)
    s[at.EXECUTE_CLOCK] = clock
    return bool(s[at.BEGUN + EXECUTE] > first)


@compiled
def store_begin(s: Int64Array, m: Int64Array) -> bool:
    """A STORE begins when the output stage is free, and a half of the output memory if it needs one.

    A PLACE leaves its queue at once; END waits for all STOREs.
    """
    first = s[at.BEGUN + STORE]
    for place in range(first, s[at.NUMBER + STORE]):
        clock, kind, stores = ready(s, m, STORE, place), get(s, m, at.KIND_STORE, place), s[at.STORES]
        if clock == at.UNKNOWN or (kind == at.AN_END and s[at.STORE_POPPED] < stores):
            break
        clock = max(s[at.STORE_CLOCK] + 1, clock)
        if kind == at.A_STORE:
            clock = _store_free(s, m, clock, get(s, m, at.STORE_MEMORY, stores))
            if clock == at.UNKNOWN:
                break
            s[at.STORES] += 1
            s[at.HALVES] += get(s, m, at.STORE_MEMORY, stores)
            put(s, m, at.STORE_BEGUN, clock)
        elif kind == at.AN_END:
            if stores:
                clock = max(clock, get(s, m, at.STORE_POPPED, stores - 1) + 1)
            s[at.END] = clock
        begin(s, m, STORE, place, clock, clock)
        s[at.STORE_CLOCK] = clock
    return bool(s[at.BEGUN + STORE] > first)


@compiled
def _store_free(s: Int64Array, m: Int64Array, clock: int, memory: int) -> int:
    """The first clock from `clock` on in which there is room for a STORE, or `UNKNOWN`."""
    popped, filled, half = s[at.STORES] - STORE_QUEUE, s[at.STORES] - 1, s[at.HALVES] - OUTPUT_HALVES
    if s[at.STORE_POPPED] <= popped or s[at.STORE_FILLED] <= filled or (memory and s[at.STORE_DONE] <= half):
        return at.UNKNOWN
    if popped >= 0:
        clock = max(clock, get(s, m, at.STORE_POPPED, popped) + 1)
    if filled >= 0:
        clock = max(clock, get(s, m, at.STORE_FILLED, filled) + 1)
    if memory and half >= 0:
        clock = max(clock, get(s, m, at.STORE_DONE, half) + 1)
    return clock
