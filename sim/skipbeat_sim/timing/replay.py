"""Repetition is skipped: where a state comes again, relative to its clock, so does what followed.

Docs: `docs/machine_timing.md`. At some decisions the state is marked. If an earlier mark is equal relative to its clock
and its place in the program, and the instructions that were read since then come again, then all that happened since
then happens again, later by as many clocks and with as many more of everything: it is copied.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np

from skipbeat_arch import instruction as isa
from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.depths import FETCH_CHUNK
from skipbeat_arch.engines import Engine
from skipbeat_arch.machine import Machine

from .instruction_codes import instruction_codes
from .machine_run import MachineRun
from .state import Part

#: Clocks that are never added to an older one at once, but for a tile's.
PAST = 4096
#: Marks that are kept.
MOST_MARKS = 2048
#: Requests of fetch whose instructions must come elsewhere too, or a mark is not worth its time.
LOOK_BACK = 6
#: Requests of which fetch knows the size at a mark, the accepted ones apart; nobody reads an instruction behind them.
AHEAD = 2


@dataclass(frozen=True, slots=True)
class _Mark:
    """A state.

    Attributes:
        chunk: requests of fetch that were accepted; clock: of the last one.
        low: the first instruction that may be read later.
        lengths: of all lists. clocks, counts, values: of all parts.
    """

    chunk: int
    clock: int
    low: int
    lengths: tuple[int, ...]
    clocks: tuple[int, ...]
    counts: tuple[int, ...]
    values: tuple[object, ...]


class Replay:
    """Marks states of a run, and copies what is known to follow.

    Attributes:
        skipped: instructions whose clocks were copied.
    """

    def __init__(self, run: MachineRun) -> None:
        self._run, self.skipped = run, 0
        self._codes = instruction_codes(run.program, run.core.paths)
        self._worth = _repeated(self._codes)
        parts = run.parts
        self._clock_lists = [*run.wires.every, *(getattr(p, name) for p in parts.values() for name in p.LISTS)]
        self._number_lists = [getattr(p, name) for p in parts.values() for name in p.NUMBERS]
        self._clocks, self._counts, self._values = (_names(parts, kind) for kind in ("CLOCKS", "COUNTS", "VALUES"))
        self._read = [attrgetter(*names) for names in (self._clocks, self._counts, self._values)]
        self._places, self._past = _Places(run), _past(run.program.machine)
        self._known: dict[bytes, _Mark] = {}
        self._marks: list[_Mark] = []

    def visit(self) -> None:
        """Skip what is known, if a request of fetch was accepted since the last time; only when all parts wait."""
        chunk = len(self._run.wires.asked)
        if chunk >= len(self._worth) or not self._worth[chunk] or (self._marks and self._marks[-1].chunk == chunk):
            return
        mark = self._mark(chunk)
        key = self._key(mark)
        before = self._known.get(key)
        if before is not None and self._skip(before, mark):
            mark = self._mark(len(self._run.wires.asked))
            key = self._key(mark)
        self._known[key] = mark
        self._marks.append(mark)
        if len(self._marks) > MOST_MARKS:
            self._known.clear()
            self._marks.clear()

    def _mark(self, chunk: int) -> _Mark:
        clocks, counts, values = (read(self._run) for read in self._read)
        lengths = tuple(map(len, (*self._clock_lists, *self._number_lists)))
        return _Mark(chunk, self._run.wires.asked[-1], min(self._places.now()), lengths, clocks, counts, values)

    def _key(self, mark: _Mark) -> bytes:
        """The state relative to its clock and to the next instruction that fetch asks for: all that decides later."""
        run, ahead, read = self._run, list[int](mark.clocks), (mark.chunk + AHEAD) * FETCH_CHUNK
        shape = [min(place, read) - read for place in self._places.now()]
        shape += self._places.items()
        windows = [window for part in run.parts.values() for window in part.ahead()]
        windows += run.wires.open_tokens()
        for window in windows:
            ahead += window
            shape.append(len(window))
        relative = np.maximum(np.array(ahead, np.int64) - mark.clock, -self._past).tobytes()
        return relative + repr((shape, mark.values)).encode()

    def _skip(self, first: _Mark, present: _Mark) -> bool:
        """Copy what followed an equal state, as long as its instructions come again and again; whether any did."""
        at, last = present, self._furthest(first, present, present)
        while last is not None:
            self._copy(first, last, at)
            self.skipped += (last.chunk - first.chunk) * FETCH_CHUNK
            at = self._mark(len(self._run.wires.asked))
            last = self._furthest(first, present, at) if last is present else None
        return at is not present

    def _furthest(self, first: _Mark, present: _Mark, at: _Mark) -> _Mark | None:
        """The last mark until which only instructions were read that come again at the state `at`, which is as `first`.

        None if there is none.
        """
        shift, stop = (at.chunk - first.chunk) * FETCH_CHUNK, (present.chunk + AHEAD) * FETCH_CHUNK
        again = self._codes[first.low + shift : stop + shift]
        differ = np.flatnonzero(self._codes[first.low : first.low + len(again)] != again)
        known = first.low + (int(differ[0]) if differ.size else len(again))
        if known == stop:
            return present
        number = bisect_right(self._marks, known // FETCH_CHUNK - AHEAD, key=lambda mark: mark.chunk) - 1
        return self._marks[number] if number >= 0 and self._marks[number].chunk > first.chunk else None

    def _copy(self, first: _Mark, last: _Mark, at: _Mark) -> None:
        """From the state `at`, which is equal to `first`, to the one that is equal to `last`."""
        later = at.clock - first.clock
        spans = list(zip(first.lengths, last.lengths, strict=True))
        clock_lists = len(self._clock_lists)
        for clocks, (begin, end) in zip(self._clock_lists, spans[:clock_lists], strict=True):
            clocks += [clock + later for clock in clocks[begin:end]]
        for numbers, (begin, end) in zip(self._number_lists, spans[clock_lists:], strict=True):
            numbers += numbers[begin:end]
        counts = dict(zip(self._counts, zip(first.counts, last.counts, at.counts, strict=True), strict=True))
        self._run.core.results.repeat(later, counts["results.known_closed"], counts["results.known_taken"])
        self._write(self._clocks, [clock + later for clock in last.clocks])
        self._write(self._counts, [n + end - begin for begin, end, n in counts.values()])
        self._write(self._values, last.values)

    def _write(self, names: Sequence[str], values: Sequence[object]) -> None:
        for name, value in zip(names, values, strict=True):
            part, _, attribute = name.partition(".")
            setattr(self._run.parts[part], attribute, value)


class _Places:
    """Where each process is, as the number of the instruction that it looks at next."""

    def __init__(self, run: MachineRun) -> None:
        self._run = run
        queues, end = run.program.queues, len(run.program.instructions)
        self._queues = [[*(n for n, _ in queues[engine]), end] for engine in Engine]
        self._loads, self._passes, self._stores = (
            [*(n for n, i in queues[engine] if isinstance(i, kind)), end]
            for engine, kind in ((Engine.LOAD, isa.Load), (Engine.EXECUTE, isa.Pass), (Engine.STORE, isa.Store))
        )
        self._jobs = [*(n for n, i in queues[Engine.EXECUTE] if isinstance(i, isa.Pass) or i.signal), end]

    def now(self) -> tuple[int, ...]:
        """Of each process."""
        run, wires = self._run, self._run.wires
        load, execute, store = self._queues
        return (
            *(len(wires.fetched), len(wires.dispatched)),
            *(load[len(run.load.begun)], self._loads[len(wires.load_ended)]),
            *(execute[len(run.execute.begun)], self._jobs[len(wires.job_popped)], self._jobs[run.execute.job]),
            *(self._passes[run.core.number], self._passes[max(min(run.core.fed, run.core.number - 1), 0)]),
            *(store[len(run.store.begun)], self._stores[len(wires.store_filled)]),
            self._stores[len(wires.store_popped)],
        )

    def items(self) -> tuple[int, int]:
        """Where in its pass and in its STORE the output stage is."""
        core, store, filled = self._run.core, self._run.store, len(self._run.wires.store_filled)
        return store.item - core.items[core.number], store.item - store.items[filled]


def _past(machine: Machine) -> int:
    """So far back does it not matter how far a clock lies: more than the model ever adds to one.

    What is not known at a mark comes no earlier than it. The most that is added to an older clock is a tile's way into
    its bank: for every row the steps of its metadata, its words and its slots.
    """
    array = machine.hw.array
    return PAST + machine.hw.memory.latency_clocks + array.rows * (array.cols + 4 * array.group)


def _names(parts: Mapping[str, Part], kind: str) -> list[str]:
    return [f"{where}.{name}" for where, part in parts.items() for name in getattr(part, kind)]


def _repeated(codes: Int64Array) -> list[bool]:
    """For each number of requests whether the instructions of the last ones come elsewhere too."""
    size = LOOK_BACK * FETCH_CHUNK
    starts = [(chunk - LOOK_BACK) * FETCH_CHUNK for chunk in range(len(codes) // FETCH_CHUNK + 1)]
    keys = [codes[start : start + size].tobytes() if start >= 0 else b"" for start in starts]
    times = Counter(keys)
    return [start >= 0 and times[key] > 1 for start, key in zip(starts, keys, strict=True)]
