"""Which instruction must wait for which, and the tokens that make it.

Every on-chip entry and memory vector remembers who wrote and who reads it. A dependency goes from an instruction to a
later one of another engine; the instructions of one engine are in order anyway. Tokens between two engines are given
and taken in program order, so a dependency on an earlier producer than the last one waited for is already met.

The banks have one write port: whatever a LOAD or a ZERO writes there and whatever a local STORE writes wait for each
other, wherever they write.

A pass is over for the load engine when its last activation has been read, but its tile is certainly out of the weight
buffer only when the core has begun it: when at most `FETCHER_ROOM` items, the fetcher's queue, can be behind its first.
"""

from __future__ import annotations

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.compiled import compiled
from skipbeat_arch.depths import FETCHER_ROOM

from . import places as at
from .access import fill, get, greatest, put
from .places import ENGINES, EXECUTE, LOAD, NEVER, STORE

#: Open tokens from which on an instruction waits for a later one than it needs.
MANY_OPEN = 40
#: Tokens of two engines that are remembered, more than `MANY_OPEN`.
REMEMBERED = 64
#: Stores that a load lets pass rather than wait for the last of them: its data is written long before.
STORES_BEHIND = 8


@compiled
def order(s: Int64Array, m: Int64Array, producer: int, consumer: int, latest: int, newest: int) -> None:
    """Makes the draft `consumer` wait for `producer`, or for `latest` if that comes later and has the same engine.

    Waiting for a later one keeps few tokens open where old producers are many; if many are open all the same, it
    waits for `newest`, the last draft of the producer's engine.
    """
    if producer == NEVER:
        return
    source, sink = get(s, m, at.ENGINE, producer), get(s, m, at.ENGINE, consumer)
    pair = ENGINES * source + sink
    if source == sink or producer <= get(s, m, at.MET, pair):
        return
    producer, count, first = max(producer, latest), get(s, m, at.TOKENS, pair), REMEMBERED * pair
    if newest > producer and count >= MANY_OPEN:
        open_from = first + (count - MANY_OPEN) % REMEMBERED
        producer = newest if get(s, m, at.TAKER, open_from) > producer else producer
    put(s, m, at.MET, pair, producer)
    last = first + (count - 1) % REMEMBERED
    if count and get(s, m, at.TAKER, last) == consumer:
        count -= 1  # it takes one token of an engine: that of the later producer
        giver = get(s, m, at.GIVER, last)
        put(s, m, at.SIGNAL, giver, get(s, m, at.SIGNAL, giver) & ~(1 << sink))
    put(s, m, at.SIGNAL, producer, get(s, m, at.SIGNAL, producer) | 1 << sink)
    put(s, m, at.WAIT, consumer, get(s, m, at.WAIT, consumer) | 1 << source)
    put(s, m, at.GIVER, first + count % REMEMBERED, producer)
    put(s, m, at.TAKER, first + count % REMEMBERED, consumer)
    put(s, m, at.TOKENS, pair, count + 1)


@compiled
def read(s: Int64Array, m: Int64Array, space: int, start: int, stop: int, reader: int, loaded: int) -> int:
    """A pass or a store reads an on-chip range: the last load that it must wait for, if `loaded` is so far."""
    if start == at.NOWHERE:
        return loaded
    if get(s, m, at.NEWEST, space) > loaded:
        loaded = max(loaded, greatest(s, m, at.WRITER + space, start, stop))
    fill(s, m, at.READER + space, start, stop, reader)
    return loaded


@compiled
def read_by_pass(s: Int64Array, m: Int64Array, number: int, draft: int) -> None:
    """A pass waits for the loads and local stores that wrote what it reads."""
    start, stop = get(s, m, at.ENTRIES_START, number), get(s, m, at.ENTRIES_STOP, number)
    loaded, stored = get(s, m, at.MET, ENGINES * LOAD + EXECUTE), NEVER
    loaded = read(s, m, at.ACTIVATIONS, start, stop, draft, loaded)
    if s[at.LAST_LOCAL] != NEVER and start != at.NOWHERE:
        stored = greatest(s, m, at.STORED, start, stop)
    start, stop = get(s, m, at.TABLE_START, number), get(s, m, at.TABLE_STOP, number)
    loaded = read(s, m, at.TABLE, start, stop, draft, loaded)
    start, stop = get(s, m, at.WORDS_START, number), get(s, m, at.WORDS_STOP, number)
    loaded = read(s, m, at.WEIGHTS, start, stop, s[at.PASSES], loaded)
    order(s, m, loaded, draft, NEVER, s[at.NEWEST_LOAD])
    order(s, m, stored, draft, NEVER, s[at.LAST_CLOSED])


@compiled
def add_pass(s: Int64Array, m: Int64Array, number: int, draft: int) -> None:
    """A pass; with the last of its items its store is complete."""
    read_by_pass(s, m, number, draft)
    fed, sums = get(s, m, at.FED, number), get(s, m, at.SUMS, number)
    put(s, m, at.PASS_DRAFT, s[at.PASSES], draft)
    put(s, m, at.BEGINS, s[at.PASSES], s[at.FED_ITEMS])
    put(s, m, at.ENDS, s[at.PASSES], s[at.FED_ITEMS] + fed)
    put(s, m, at.FEEDS, s[at.PASSES], s[at.OPEN_STORE])
    s[at.PASSES] += 1
    s[at.FED_ITEMS] += fed
    s[at.DUE] -= sums
    if sums and not s[at.DUE]:
        s[at.LAST_CLOSED], s[at.OPEN_STORE] = s[at.OPEN_STORE], NEVER


@compiled
def add_store(s: Int64Array, m: Int64Array, number: int, draft: int) -> None:
    """A store writes memory, the banks or both; there it waits for passes that read what it writes."""
    loaded = get(s, m, at.MET, ENGINES * LOAD + STORE)
    start, stop = get(s, m, at.PARAMETERS_START, number), get(s, m, at.PARAMETERS_STOP, number)
    loaded = read(s, m, at.PARAMETERS, start, stop, draft, loaded)
    start, stop = get(s, m, at.RESIDUAL_START, number), get(s, m, at.RESIDUAL_STOP, number)
    loaded = read(s, m, at.RESIDUAL, start, stop, draft, loaded)
    order(s, m, loaded, draft, NEVER, s[at.NEWEST_LOAD])
    s[at.OPEN_STORE], s[at.DUE] = draft, get(s, m, at.ITEMS, number)
    put(s, m, at.LAST_STORES, s[at.STORES] % STORES_BEHIND, draft)
    s[at.STORES] += 1
    start, stop = get(s, m, at.MEMORY_START, number), get(s, m, at.MEMORY_STOP, number)
    fill(s, m, at.WRITER + at.MEMORY, start, stop, draft)
    start, stop = get(s, m, at.BANKS_START, number), get(s, m, at.BANKS_STOP, number)
    if start != at.NOWHERE:
        reader = greatest(s, m, at.READER + at.ACTIVATIONS, start, stop)
        order(s, m, reader, draft, NEVER, newest_pass(s, m))
        order(s, m, s[at.LAST_LOAD], draft, NEVER, s[at.NEWEST_LOAD])
        fill(s, m, at.STORED, start, stop, draft)
        s[at.LAST_LOCAL] = draft


@compiled
def newest_pass(s: Int64Array, m: Int64Array) -> int:
    """The draft of the last pass."""
    return get(s, m, at.PASS_DRAFT, s[at.PASSES] - 1) if s[at.PASSES] else NEVER


@compiled
def producers(
    s: Int64Array, m: Int64Array, space: int, start: int, stop: int, source: int, source_stop: int
) -> tuple[int, int, bool]:
    """What a load must wait for: a draft of execute and one of store, and whether that can be said yet."""
    execute, store, open_store = NEVER, NEVER, s[at.OPEN_STORE]
    reader = greatest(s, m, at.READER + space, start, stop)
    if space == at.WEIGHTS:
        if reader != NEVER:
            execute, store = _weights_out(s, m, reader)
    elif space in (at.PARAMETERS, at.RESIDUAL):
        store = NEVER if s[at.LOOSE] and space == at.PARAMETERS else reader
    else:
        execute = reader
    if space == at.ACTIVATIONS:
        store = s[at.LAST_LOCAL]
    store = max(store, greatest(s, m, at.WRITER + at.MEMORY, source, source_stop))
    return execute, store, open_store == NEVER or store < open_store


@compiled
def _weights_out(s: Int64Array, m: Int64Array, reader: int) -> tuple[int, int]:
    """Who shows that a pass's tile has left the weight buffer: a pass, or the store that it feeds."""
    wanted, number = get(s, m, at.BEGINS, reader) + FETCHER_ROOM + 1, reader
    while number < s[at.PASSES] and get(s, m, at.ENDS, number) < wanted:
        number += 1
    if number < s[at.PASSES]:
        return get(s, m, at.PASS_DRAFT, number), NEVER
    return NEVER, get(s, m, at.FEEDS, reader)


@compiled
def write(
    s: Int64Array, m: Int64Array, space: int, start: int, stop: int, execute: int, store: int, draft: int
) -> None:
    """A load is a draft with the producers that `producers` found."""
    order(s, m, execute, draft, get(s, m, at.HORIZON, EXECUTE), newest_pass(s, m))
    behind = s[at.STORES] >= STORES_BEHIND
    oldest = get(s, m, at.LAST_STORES, s[at.STORES] % STORES_BEHIND) if behind else NEVER
    order(s, m, store, draft, oldest, s[at.LAST_CLOSED])
    s[at.NEWEST_LOAD] = draft
    put(s, m, at.NEWEST, space, draft)
    fill(s, m, at.WRITER + space, start, stop, draft)
    if space == at.ACTIVATIONS:
        s[at.LAST_LOAD] = draft
