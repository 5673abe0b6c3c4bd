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

import bisect
from collections import deque
from dataclasses import dataclass

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.command import Command
from skipbeat_arch.depths import FETCHER_ROOM
from skipbeat_arch.engines import Engine
from skipbeat_arch.machine import Machine

from .on_chip import memory_sizes
from .schedule import Operation, What
from .units import Range, Space, StoreOp

#: Open tokens from which on an instruction waits for a later one than it needs.
MANY_OPEN = 40
NEVER = -1
#: Stores that a load lets pass rather than wait for the last of them: its data is written long before.
STORES_BEHIND = 8


#: Engines by a set of their bits.
ENGINES_OF = [tuple(engine for engine in Engine if bits >> engine & 1) for bits in range(1 << len(Engine))]


@dataclass(slots=True)
class Draft:
    """An operation whose tokens are not final; `wait` and `signal` have a bit for each engine."""

    what: What
    engine: Engine
    wait: int = 0
    signal: int = 0

    def operation(self) -> Operation:
        """The operation with its tokens."""
        return Operation(self.what, ENGINES_OF[self.wait], ENGINES_OF[self.signal])


class Tokens:
    """Adds tokens to drafts in program order."""

    def __init__(self, drafts: list[Draft]) -> None:
        self._drafts = drafts
        self._last: dict[tuple[Engine, Engine], int] = {}
        self._pairs: dict[tuple[Engine, Engine], list[tuple[int, int]]] = {}

    def order(self, producer: int, consumer: int, *, latest: int = NEVER, newest: int = NEVER) -> None:
        """Makes the draft `consumer` wait for `producer`, or for `latest` if that comes later and has the same engine.

        Waiting for a later one keeps few tokens open where old producers are many; if many are open all the same, it
        waits for `newest`, the last draft of the producer's engine.
        """
        if producer == NEVER:
            return
        source, sink = self._drafts[producer].engine, self._drafts[consumer].engine
        if source == sink or producer <= self.met(source, sink):
            return
        producer = max(producer, latest)
        if newest > producer and self.open(source, sink, producer) >= MANY_OPEN:
            producer = newest
        self._last[source, sink] = producer
        pairs = self._pairs.setdefault((source, sink), [])
        if pairs and pairs[-1][1] == consumer:  # it takes one token of an engine: that of the later producer
            self._drafts[pairs.pop()[0]].signal &= ~(1 << sink)
        self._drafts[producer].signal |= 1 << sink
        self._drafts[consumer].wait |= 1 << source
        pairs.append((producer, consumer))

    def met(self, source: Engine, sink: Engine) -> int:
        """The last producer of an engine for which the other one has waited: what came before it is done as well."""
        return self._last.get((source, sink), NEVER)

    def open(self, source: Engine, sink: Engine, producer: int) -> int:
        """Tokens that may have been given and not taken when a producer gives one."""
        pairs = self._pairs.get((source, sink), [])
        return len(pairs) - bisect.bisect_right(pairs, producer, key=lambda pair: pair[1])


@dataclass
class _Pass:
    """A pass that was emitted: its draft, the items before and after it, and the store that it feeds."""

    draft: int
    begins: int
    ends: int
    store: int


class Hazards:
    """Readers and writers of every entry."""

    def __init__(self, machine: Machine, vectors: int, drafts: list[Draft]) -> None:
        self.tokens = Tokens(drafts)
        sizes = memory_sizes(machine, vectors)
        self._writer: dict[Space, Int64Array] = {space: _nobody(size) for space, size in sizes.items()}
        self._reader: dict[Space, Int64Array] = {s: _nobody(size) for s, size in sizes.items() if s != Space.MEMORY}
        #: Ranges that were read since a memory's readers were asked for, each with its last one, in their order.
        self._reads: dict[Space, dict[Range, int]] = {space: {} for space in self._reader}
        #: The last loads that wrote ranges, until the next one writes there.
        self._known: dict[Space, dict[Range, int]] = {space: {} for space in sizes}
        #: The newest load of each memory.
        self._newest: dict[Space, int] = dict.fromkeys(sizes, NEVER)
        #: The store that wrote each entry of the banks; `_writer` has the load.
        self._stored = _nobody(machine.bank_depth)
        self._last_local = self._last_load = self._last_closed = self._newest_load = NEVER
        self._passes: list[_Pass] = []
        self._ends: list[int] = []
        self._items = 0
        self._open_store = NEVER
        #: Items that the open store has not been given yet.
        self._due = 0
        #: The last stores, oldest first: a load that waits for an older one waits for the oldest of these.
        self._stores: deque[int] = deque(maxlen=STORES_BEHIND)
        self._horizon: dict[Engine, int] = {}

    def read(self, ranges: tuple[Range, ...], draft: int, engine: Engine) -> None:
        """A pass or a store reads on-chip ranges: it waits for the loads and local stores that wrote them."""
        loaded, stored = self.tokens.met(Engine.LOAD, engine), NEVER
        for r in ranges:
            space, start, stop = r
            if self._newest[space] > loaded:
                loaded = max(loaded, self._written(r))
            if space == Space.ACTIVATIONS and self._last_local != NEVER:
                stored = max(stored, int(self._stored[start:stop].max(initial=NEVER)))
            reads = self._reads[space]
            reads.pop(r, None)
            reads[r] = len(self._passes) if space == Space.WEIGHTS else draft
        self.tokens.order(loaded, draft, newest=self._newest_load)
        if engine == Engine.STORE:
            self._open_store = draft
            self._stores.append(draft)
        else:
            self.tokens.order(stored, draft, newest=self._last_closed)

    def _last_reader(self, r: Range) -> int:
        """The last that has read of a range."""
        reader, reads = self._reader[r.space], self._reads[r.space]
        for (_, start, stop), number in reads.items():
            reader[start:stop] = number
        reads.clear()
        return int(reader[r.start : r.stop].max(initial=NEVER))

    def _written(self, r: Range) -> int:
        """The last load that wrote a range; what is read again and again is looked up once between two loads."""
        known = self._known[r.space]
        if r not in known:
            known[r] = int(self._writer[r.space][r.start : r.stop].max(initial=NEVER))
        return known[r]

    def add_pass(self, draft: int, command: Command) -> None:
        """A pass was emitted; with the last of its items its store is complete."""
        begins, self._items = self._items, self._items + (command.pixels if command.beat else 0)
        self._passes.append(_Pass(draft, begins, self._items, self._open_store))
        self._ends.append(self._items)
        if command.last:
            self._due -= command.pixels
        if command.last and not self._due:
            self._last_closed, self._open_store = self._open_store, NEVER

    def store(self, op: StoreOp, draft: int) -> None:
        """A store writes memory, the banks or both; there it waits for passes that read what it writes."""
        self._due = op.count * op.pool
        if op.writes is not None:
            self._writer[Space.MEMORY][op.writes.start : op.writes.stop] = draft
        if op.local is not None:
            at = slice(op.local.writes.start, op.local.writes.stop)
            self.tokens.order(self._last_reader(op.local.writes), draft, newest=self._newest_pass)
            self.tokens.order(self._last_load, draft, newest=self._newest_load)
            self._stored[at] = self._last_local = draft

    def end(self, draft: int) -> None:
        """The end waits for all loads: where all weights of a plane are zero nobody has waited for its activations."""
        self.tokens.order(self._newest_load, draft)

    @property
    def _newest_pass(self) -> int:
        return self._passes[-1].draft if self._passes else NEVER

    def close_unit(self, drafts: dict[Engine, int]) -> None:
        """The last drafts of units that lie some way back."""
        self._horizon = drafts

    def producers(self, writes: Range, reads: Range | None) -> dict[Engine, int] | None:
        """What a load must wait for: drafts of execute and store; None if that cannot be said yet."""
        found = {Engine.EXECUTE: NEVER, Engine.STORE: NEVER}
        reader = self._last_reader(writes)
        if writes.space == Space.WEIGHTS:
            if reader != NEVER:
                engine, draft = self._weights_out(self._passes[reader])
                found[engine] = draft
        elif writes.space in (Space.PARAMETERS, Space.RESIDUAL):
            found[Engine.STORE] = reader
        else:
            found[Engine.EXECUTE] = reader
        if writes.space == Space.ACTIVATIONS:
            found[Engine.STORE] = self._last_local
        if reads is not None:
            writer = int(self._writer[Space.MEMORY][reads.start : reads.stop].max(initial=NEVER))
            found[Engine.STORE] = max(found[Engine.STORE], writer)
        if self._open_store != NEVER and found[Engine.STORE] >= self._open_store:
            return None
        return found

    def _weights_out(self, p: _Pass) -> tuple[Engine, int]:
        """Who shows that a pass's tile has left the weight buffer: a pass, or the store that it feeds."""
        number = bisect.bisect_left(self._ends, p.begins + FETCHER_ROOM + 1)
        if number < len(self._passes):
            return Engine.EXECUTE, max(self._passes[number].draft, p.draft)
        return Engine.STORE, p.store

    def write(self, writes: Range, producers: dict[Engine, int], draft: int) -> None:
        """A load is emitted with the producers that `producers` found."""
        for engine, producer in producers.items():
            latest, newest = self._horizon.get(engine, NEVER), self._newest_pass
            if engine == Engine.STORE:
                latest = self._stores[0] if len(self._stores) == STORES_BEHIND else NEVER
                newest = self._last_closed
            self.tokens.order(producer, draft, latest=latest, newest=newest)
        self._newest_load = self._newest[writes.space] = draft
        self._writer[writes.space][writes.start : writes.stop] = draft
        self._known[writes.space].clear()
        if writes.space == Space.ACTIVATIONS:
            self._last_load = draft


def _nobody(size: int) -> Int64Array:
    return np.full(size, NEVER, np.int64)
