"""The way of tiles into their banks: the recurrence over tiles that docs/timing.md derives."""

from __future__ import annotations

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.compiled import compiled

from ..load_timing import NEVER, SLOTS_AHEAD
from ..tile_paths import RING
from . import places as at
from .access import get, put


@compiled
def load_tile(s: Int64Array, m: Int64Array, path: int, queued: int, bank_free: int, described: int) -> int:
    """Follow one tile; returns the first clock in which its bank is full.

    Args:
        path: its line of `PATHS`.
        queued: clock in which its command was accepted.
        bank_free: first clock in which its bank is free.
        described: first clock in which its descriptor is at the slots, if its words may be there before that.
    """
    line = path * at.PATH_SIZE
    words, values = get(s, m, at.PATHS, line + at.METADATA_WORDS), get(s, m, at.PATHS, line + at.VALUE_WORDS)
    start = max(queued + 2, s[at.LAST_WORD])
    if s[at.IS_DENSE]:
        s[at.LAST_WORD] = max(start + 1, bank_free) + values - 1
        return int(s[at.LAST_WORD]) + 1
    metadata = max(start + words, _room(s, m, words))
    entry = s[at.SEQUENCES + at.ENTRY]
    if words:
        m[entry] = max(start + 1, s[at.LAST_STEP]) + 1
    else:
        m[entry] = described if described >= s[at.LAST_WORD] else NEVER
    for row in range(2):
        m[entry + 1 + row] = get(s, m, at.ROWS_LOADED, row)
    m[entry + 3] = s[at.LAST_EMIT]
    for slot in range(SLOTS_AHEAD):
        m[entry + 4 + slot] = get(s, m, at.FIRES, slot)
    m[entry + 4 + SLOTS_AHEAD], m[entry + 5 + SLOTS_AHEAD] = bank_free, metadata + 3
    _find_events(s, m, line)
    if words:
        _write(s, m, path, words)
        s[at.LAST_STEP] = get(s, m, at.EVENT, at.LAST_STEP_EVENT)
        _later(s, m, at.ROWS_LOADED, 2, at.LOAD_EVENTS, get(s, m, at.PATHS, line + at.PATH_LOADS))
    s[at.LAST_WORD] = _end_words(s, m, line, values, metadata)
    _later(s, m, at.FIRES, SLOTS_AHEAD, at.FIRE_EVENTS, get(s, m, at.PATHS, line + at.PATH_FIRES))
    s[at.LAST_EMIT] = get(s, m, at.EVENT, at.LAST_EMIT_EVENT)
    return get(s, m, at.FIRES, SLOTS_AHEAD - 1) + 1


@compiled
def _find_events(s: Int64Array, m: Int64Array, line: int) -> None:
    """The clocks of all events of a tile: each is the latest of the paths to it, from what the tile found."""
    clocks, found = s[at.SEQUENCES + at.EVENT], s[at.SEQUENCES + at.ENTRY]
    first = s[at.SEQUENCES + at.PATHS] + line + at.RESPONSES
    events, paths = m[clocks : clocks + at.EVENTS], m[first : first + at.RESPONSE * at.EVENTS]
    events[:] = NEVER
    for path in range(at.RESPONSE):
        for event in range(at.EVENTS):
            events[event] = max(events[event], paths[path * at.EVENTS + event] + m[found + path])


@compiled
def _later(s: Int64Array, m: Int64Array, sequence: int, size: int, event: int, count: int) -> None:
    """The last `size` clocks of a kind of event, once a tile's `count` have come."""
    first, clocks = s[at.SEQUENCES + sequence], s[at.SEQUENCES + at.EVENT] + event
    for place in range(size):
        back = place + count - size  # among those of the tile, or before them
        m[first + place] = m[clocks + back] if back >= 0 else m[first + place + count]


@compiled
def _end_words(s: Int64Array, m: Int64Array, line: int, words: int, metadata: int) -> int:
    """When the tile's last word enters the queue, and the last ones are used up; its metadata end in `metadata`."""
    last, event = metadata + words, at.FREE_EVENTS
    for place in range(min(RING, words)):
        last = max(last, get(s, m, at.FREES, place) + words - place)
    count = get(s, m, at.PATHS, line + at.PATH_FREES)
    if words > RING:
        last = max(last, get(s, m, at.EVENT, event) + 1)
        event, count = event + 1, count - 1
    _later(s, m, at.FREES, RING, event, count)
    return last


@compiled
def _room(s: Int64Array, m: Int64Array, words: int) -> int:
    """The first clock in which the metadata FIFO has room for the last of the next `words` words."""
    if words:
        for place in range(s[at.SINCE]):
            number = get(s, m, at.SINCE, place) + words - 1 - s[at.METADATA_DEPTH]
            line = get(s, m, at.WRITTEN_PATH, place) * at.PATH_SIZE
            if 0 <= number < get(s, m, at.PATHS, line + at.METADATA_WORDS):
                found = s[at.SEQUENCES + at.WRITTEN_FOUND] + place * at.RESPONSE
                first = s[at.SEQUENCES + at.READS] + get(s, m, at.PATHS, line + at.PATH_READS) + number * at.RESPONSE
                latest = NEVER
                for path in range(at.RESPONSE):
                    latest = max(latest, m[first + path] + m[found + path])
                return latest + 1
    return NEVER


@compiled
def _write(s: Int64Array, m: Int64Array, path: int, words: int) -> None:
    """A tile's metadata words enter; tiles before it whose words nobody will wait for any more are forgotten."""
    since, paths, found = (
        s[at.SEQUENCES + at.SINCE],
        s[at.SEQUENCES + at.WRITTEN_PATH],
        s[at.SEQUENCES + at.WRITTEN_FOUND],
    )
    kept = 0
    for place in range(s[at.SINCE]):
        other = m[paths + place]
        if (
            m[since + place] + words - get(s, m, at.PATHS, other * at.PATH_SIZE + at.METADATA_WORDS)
            < s[at.METADATA_DEPTH]
        ):
            m[since + kept], m[paths + kept] = m[since + place] + words, other
            for value in range(at.RESPONSE):
                m[found + kept * at.RESPONSE + value] = m[found + place * at.RESPONSE + value]
            kept += 1
    s[at.SINCE] = s[at.WRITTEN_PATH] = kept
    put(s, m, at.SINCE, words)
    put(s, m, at.WRITTEN_PATH, path)
    for value in range(at.RESPONSE):
        m[found + kept * at.RESPONSE + value] = get(s, m, at.ENTRY, value)
