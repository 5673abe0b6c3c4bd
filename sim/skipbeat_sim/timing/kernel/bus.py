"""The reader, the writer's addresses and the memory: the order of events decides, so they are taken in time order.

The memory serves whole bursts in the order of their addresses. So a burst's beats are known as soon as its address is
the earliest that can still come: nothing that follows from a decision comes before it, and everything else is known
when all processes wait. A duplex memory serves writes apart: then nothing decides about them but their own order.
"""

from __future__ import annotations

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.compiled import compiled
from skipbeat_arch.depths import READER_QUEUE
from skipbeat_arch.instruction import INSTRUCTION_BYTES

from . import places as at
from .access import get, put

#: Later than any clock.
FAR = 1 << 60


@compiled
def ask(s: Int64Array, request: int, clock: int, start: int, beats: int, chunk: int, banks: int) -> None:
    """A request of fetch, load or store, which becomes known no later than in its clock."""
    if clock < s[at.NOW]:
        raise RuntimeError("timing model: a request is known only after its clock")
    s[request + at.BEATS], s[request + at.START] = beats, start
    s[request + at.CHUNK], s[request + at.BANKS] = chunk, banks


@compiled
def write(s: Int64Array, m: Int64Array, clock: int, start: int, beats: int) -> None:
    """The next request of the store engine, accepted in its clock."""
    s[at.WRITTEN_CLOCK], s[at.WRITE_CLOCK], s[at.WRITE_DONE] = clock, clock + 1, 0
    if s[at.DUPLEX]:
        while s[at.WRITE_DONE] < beats:
            s[at.WRITE_FREE] = _write_burst(s, m, start, beats, s[at.WRITE_FREE])
    else:
        ask(s, at.WRITE_REQUEST, clock, start, beats, 0, 0)


@compiled
def decide(s: Int64Array, m: Int64Array) -> bool:
    """What comes next, until it tells a process something; False if nothing is left to decide."""
    while True:
        writing = s[at.WRITE_REQUEST + at.BEATS]
        write_clock, take = s[at.WRITE_CLOCK] if writing else FAR, _acceptance(s, m)
        if s[at.READING + at.BEATS]:
            oldest = get(s, m, at.ARRIVALS, s[at.ARRIVALS] - s[at.OUTSTANDING])
            clock, limit = max(s[at.READ_CLOCK], oldest + 1), min(write_clock, take)
            if clock <= limit:
                if _read_bursts(s, m, clock, limit):
                    return True
                continue
        if take <= write_clock and take != FAR:
            _accept(s, m, take)
            return True
        if not writing:
            return False
        s[at.NOW] = write_clock
        s[at.BUS_FREE] = _write_burst(s, m, s[at.WRITE_REQUEST + at.START], writing, s[at.BUS_FREE])
        if s[at.WRITE_DONE] == writing:
            s[at.WRITE_REQUEST + at.BEATS] = 0
            return True


@compiled
def _acceptance(s: Int64Array, m: Int64Array) -> int:
    """When the reader takes the next request."""
    clock = FAR
    if s[at.FOLLOWING + at.BEATS]:
        return clock
    if s[at.FETCH_REQUEST + at.BEATS]:
        clock = int(s[at.FETCH_CLOCK])
    if s[at.LOAD_REQUEST + at.BEATS]:
        clock = min(clock, int(s[at.LOAD_REQUEST_CLOCK]))
    if clock == FAR:
        return clock
    clock, before = max(clock, int(s[at.TAKE_CLOCK])), s[at.ACCEPTED] - READER_QUEUE
    return max(clock, get(s, m, at.FINALS, before) + 1) if before >= 0 else clock


@compiled
def _accept(s: Int64Array, m: Int64Array, clock: int) -> None:
    """Fetch's request first."""
    request = at.LOAD_REQUEST
    if s[at.FETCH_REQUEST + at.BEATS] and s[at.FETCH_CLOCK] <= clock:
        request = at.FETCH_REQUEST
    for field in range(4):
        s[at.FOLLOWING + field] = s[request + field]
    s[request + at.BEATS] = 0
    put(s, m, at.ASKED if request == at.FETCH_REQUEST else at.LOAD_ACCEPTED, clock)
    s[at.NOW], s[at.TAKE_CLOCK] = clock, clock + 1
    put(s, m, at.ACCEPTED, clock)
    if not s[at.READING + at.BEATS]:
        _begin(s, clock)


@compiled
def _begin(s: Int64Array, clock: int) -> None:
    """The request that was taken last is announced from the next clock on."""
    for field in range(4):
        s[at.READING + field] = s[at.FOLLOWING + field]
    s[at.FOLLOWING + at.BEATS] = s[at.DONE] = s[at.FETCHED_DONE] = 0
    s[at.READ_CLOCK] = clock + 1


@compiled
def _read_bursts(s: Int64Array, m: Int64Array, clock: int, limit: int) -> bool:
    """The bursts from this clock on and up to a limit, until they tell something; whether they did."""
    beats, start, chunk = s[at.READING + at.BEATS], s[at.READING + at.START], s[at.READING + at.CHUNK]
    longest, done, begun, free = s[at.LONGEST], s[at.DONE], s[at.DONE], s[at.BUS_FREE]
    while True:
        count = min(beats - done, longest - (start + done) % longest)
        first = max(clock + s[at.LATENCY], free)
        free = first + count
        put(s, m, at.ARRIVALS, free - 1)
        if s[at.READING + at.BANKS]:
            put(s, m, at.BURST_FIRSTS, first)
            put(s, m, at.BURST_BEATS, count)
            put(s, m, at.BEATS_BEFORE, done)
        done += count
        if done == beats or chunk:
            break
        following = max(clock, get(s, m, at.ARRIVALS, s[at.ARRIVALS] - s[at.OUTSTANDING])) + 1
        if following > limit:
            break
        clock = following
    s[at.NOW], s[at.BUS_FREE], s[at.READ_CLOCK], s[at.DONE] = clock, free, clock + 1, done
    s[at.BEATS_READ] += done - begun
    if chunk:
        _fetched(s, m, first - done + count)
    if done < beats:
        return bool(chunk)
    put(s, m, at.FINALS, free - 1)
    if s[at.FOLLOWING + at.BEATS]:
        s[at.TAKE_CLOCK] = clock + 1
    _begin(s, clock)
    if not chunk:
        put(s, m, at.LOAD_FINAL, free - 1)
    return True


@compiled
def _fetched(s: Int64Array, m: Int64Array, start: int) -> None:
    """The instructions whose last vectors are in this burst; beat 0 of the request would have come in `start`."""
    while s[at.FETCHED_DONE] < s[at.READING + at.CHUNK]:
        vectors = -(-(s[at.FETCHED_DONE] + 1) * INSTRUCTION_BYTES // s[at.VECTOR])
        beats = vectors * s[at.VECTOR_BEATS]
        if beats > s[at.DONE]:
            return
        put(s, m, at.FETCHED, start + beats - 1)
        s[at.FETCHED_DONE] += 1


@compiled
def _write_burst(s: Int64Array, m: Int64Array, start: int, beats: int, free: int) -> int:
    """The burst whose address comes next, on a memory that is free from `free` on; when it is again."""
    done, longest = s[at.WRITE_DONE], s[at.LONGEST]
    count = min(beats - done, longest - (start + done) % longest)
    free = max(s[at.WRITE_CLOCK] + 1, free, s[at.WRITTEN_CLOCK] + 3) + count
    s[at.WRITE_CLOCK] += 1
    s[at.BEATS_WRITTEN] += count
    s[at.WRITE_DONE] += count
    if s[at.WRITE_DONE] == beats:
        put(s, m, at.STORE_DONE, free + 1)
    return free
