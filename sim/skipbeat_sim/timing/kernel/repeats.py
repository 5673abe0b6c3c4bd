"""Whether a machine goes on from one place in a program as it did from another one: docs/machine_timing.md.

What it does next depends on the end of each sequence that is still read, on single values and on the instructions that
come. Where all clocks of the later place are those of the earlier one and so many more, and all numbers of things that
happened are so many more as stand between them, it does the same again that many clocks later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.depths import (
    CORE_QUEUE,
    ENGINE_QUEUE,
    FETCH_CHUNK,
    FETCH_QUEUE,
    LOAD_QUEUE,
    OUTPUT_HALVES,
    PART_QUEUE,
    READER_QUEUE,
    STORE_QUEUE,
)
from skipbeat_arch.engines import Engine, Kind, Opcode
from skipbeat_arch.instruction import INSTRUCTION_BYTES
from skipbeat_arch.machine import Machine

from ..columns import FIELDS, Columns, Cut, NotAlikeError
from . import places as at
from .places import Repeat

#: Sequences that are changed in place: clocks, and numbers of words and paths.
_CLOCKS_IN_PLACE = at.ROWS_LOADED, at.FIRES, at.FREES, at.WRITTEN_FOUND
_NUMBERS_IN_PLACE = at.SINCE, at.WRITTEN_PATH
_IN_PLACE = *_CLOCKS_IN_PLACE, *_NUMBERS_IN_PLACE
#: Single values that are clocks.
_CLOCKS = (
    *(at.DISPATCH_CLOCK, at.LOAD_CLOCK, at.EXECUTE_CLOCK, at.WALKED, at.CORE_STEP, at.BANK_FREE, at.WEIGHTS_FREE),
    *(at.LAST_WORD, at.LAST_EMIT, at.LAST_STEP, at.STORE_CLOCK, at.ITEM_STEP, at.POPPED, at.FETCH_CLOCK),
    *(at.LOAD_REQUEST_CLOCK, at.WRITTEN_CLOCK, at.READ_CLOCK, at.TAKE_CLOCK, at.WRITE_CLOCK, at.BUS_FREE),
    *(at.WRITE_FREE, at.NOW),
)
#: Single values that count what happened, by what it is.
_COUNTS = {
    "chunks": (at.REQUESTS,),
    "loads": (at.LOADS,),
    "jobs": (at.JOBS, at.WALKING),
    "fed": (at.WALKED_PIXELS,),
    "passes": (at.PASSES, at.CORE_PASS, at.CORE_FED),
    "tiles": (at.CORE_LOADS,),
    "stores": (at.STORES,),
    "writes": (at.HALVES, at.ANSWERED),
}
#: A load of parameters that is left to itself would wait for the last store but so many, at most.
STORES_BEHIND = 8
_READ = at.BEATS_READ, at.BEATS_WRITTEN


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A run at one moment.

    Attributes:
        s: all counts and single values.
        changing: the sequences that are changed in place.
    """

    s: Int64Array
    changing: dict[int, Int64Array]

    @classmethod
    def of(cls, s: Int64Array, m: Int64Array) -> Snapshot:
        """A copy of what will not be there any more."""
        first = s[at.SEQUENCES :]
        return cls(s.copy(), {each: m[first[each] : first[each] + s[each]].copy() for each in _IN_PLACE})


class Between(NamedTuple):
    """What lies between two places in a program.

    Attributes:
        engines: instructions of each engine.
        counts: of instructions, chunks, loads, jobs, pixels with bundles, passes, tiles, stores, writes and items.
    """

    engines: tuple[int, ...]
    counts: dict[str, int]


class _Tail(NamedTuple):
    """What may still be read of sequences.

    Attributes:
        sequences: of clocks.
        more: entries that each has between the places; None: any number, the same of all.
        oldest: the first entry that may be read in the first place. There is one: before it, other rules hold.
    """

    sequences: tuple[int, ...]
    more: int | None
    oldest: int


def clocks_between(m: Int64Array, first: Snapshot, second: Snapshot, between: Between) -> int | None:
    """The clocks from one place to another one from which everything goes on alike; None: it may not.

    Args:
        m: the sequences, at least as long as in the second place.
        first, second: the places.
        between: what lies between them; the instructions at both places and after them are the same.
    """
    a, b = first.s, second.s
    clocks = int(b[at.NOW] - a[at.NOW])
    own = {*_CLOCKS, *_READ, *(value for values in _COUNTS.values() for value in values)}
    others = [each for each in range(at.ADDRESS, at.VALUES) if each not in own]
    same = (
        bool((a[others] == b[others]).all())
        and all((b[list(values)] - a[list(values)] == between.counts[what]).all() for what, values in _COUNTS.items())
        and _later(a[list(_CLOCKS)], b[list(_CLOCKS)], clocks)
        and all(np.array_equal(first.changing[each], second.changing[each]) for each in _NUMBERS_IN_PLACE)
        and all(_later(first.changing[each], second.changing[each], clocks) for each in _CLOCKS_IN_PLACE)
        and all(_alike(a, b, m, tail, clocks) for tail in _tails(a, m, between))
    )
    return clocks if same else None


def _later(first: Int64Array, second: Int64Array, clocks: int) -> bool:
    """Whether clocks are so much later, but for those that were never set: no clock comes before them."""
    return first.size == second.size and bool(((second - first == clocks) | ((first == second) & (first <= 0))).all())


def _alike(a: Int64Array, b: Int64Array, m: Int64Array, tail: _Tail, clocks: int) -> bool:
    """Whether what may still be read of sequences is so many clocks later, and so many entries."""
    more = {int(b[each] - a[each]) for each in tail.sequences}
    if len(more) > 1 or (tail.more is not None and more != {tail.more}) or tail.oldest < 0:
        return False
    (count,) = more
    for each in tail.sequences:
        begin, known = int(a[at.SEQUENCES + each]), int(a[each])
        ends = m[begin + tail.oldest : begin + known], m[begin + tail.oldest + count : begin + known + count]
        if (ends[1] - ends[0] != clocks).any():
            return False
    return True


def _tails(a: Int64Array, m: Int64Array, between: Between) -> Iterator[_Tail]:
    """What may still be read of all sequences that are not changed in place."""

    def entry(column: int, place: int) -> int:
        first, stop = (int(each) for each in a[at.SEQUENCES + column : at.SEQUENCES + column + 2])
        return int(m[min(first + place, stop - 1)])

    counts, known = between.counts, a.tolist()
    seen = [entry(at.NUMBER + each, known[at.BEGUN + each]) for each in Engine]
    room = FETCH_CHUNK * known[at.REQUESTS] + FETCH_CHUNK - FETCH_QUEUE - 1
    yield _Tail((at.FETCHED, at.DISPATCHED), counts["instructions"], min(*seen, room))
    yield _Tail((at.ASKED,), counts["chunks"], known[at.REQUESTS] - 1)
    loads = min(known[at.LOADS] - LOAD_QUEUE, known[at.LOAD_ENDED] - 1)
    yield _Tail((at.LOAD_ACCEPTED, at.LOAD_FINAL, at.LOAD_ENDED), counts["loads"], loads)
    yield _Tail((at.ACCEPTED, at.FINALS), counts["loads"] + counts["chunks"], known[at.ACCEPTED] - READER_QUEUE)
    yield _Tail((at.ARRIVALS,), None, known[at.ARRIVALS] - known[at.OUTSTANDING])
    jobs = min(known[at.WALKING], known[at.JOBS] - PART_QUEUE, entry(at.JOB, known[at.CORE_PASS])) - 1
    yield _Tail((at.JOB_PUSHED, at.JOB_POPPED, at.JOB_STARTED), counts["jobs"], jobs)
    passes = min(known[at.CORE_PASS] - 1, known[at.PASSES] - CORE_QUEUE, known[at.CORE_FED])
    yield _Tail((at.QUEUED, at.PASS_TAKEN, at.FIRST, at.FREE), counts["passes"], passes)
    items = min(known[at.CLOSED] - known[at.CREDITS], known[at.TAKEN] - 1, entry(at.ITEMS_BEFORE, max(passes, 0)))
    yield _Tail((at.CLOSED, at.TAKEN), counts["items"], items)
    stores = min(known[at.STORE_POPPED], known[at.STORES] - STORE_QUEUE)
    yield _Tail((at.STORE_BEGUN, at.STORE_FILLED, at.STORE_POPPED), counts["stores"], stores)
    yield _Tail((at.STORE_DONE,), counts["writes"], min(known[at.ANSWERED], known[at.HALVES] - OUTPUT_HALVES))
    for engine in Engine:
        begun = known[at.BEGUN + engine]
        yield _Tail((at.BEGUN + engine, at.LEFT + engine), between.engines[engine], begun - ENGINE_QUEUE)
    for pair in range(at.PAIRS):
        yield _Tail((at.TOKENS + pair, at.TOKENS_TAKEN + pair), None, known[at.TOKENS_TAKEN + pair])


def repeats(machine: Machine, program: Columns, m: Int64Array, seen: Mapping[int, Snapshot]) -> tuple[Repeat, ...]:
    """What comes several times, and what it takes; what lies in something else comes before it.

    Args:
        machine: the hardware.
        program: cut short.
        m: its sequences.
        seen: the run in the places of all cuts.

    Raises:
        NotAlikeError: a place where it may not go on as from the one before.
    """
    if program.cuts:
        _check_parameters(program, m, seen[program.cuts[0].places[0][0]].s)
    found: list[Repeat] = []
    for cut in program.cuts:
        start, stop, clocks = _place(machine, program, m, seen, cut)
        inner = [each for each in found if start <= each.start and each.stop <= stop]
        read, written = (int(each) for each in seen[stop].s[list(_READ)] - seen[start].s[list(_READ)])
        found.append(
            Repeat(
                start=start,
                stop=stop,
                times=cut.times,
                clocks=clocks + sum(each.times * each.clocks for each in inner),
                beats_read=read + sum(each.times * each.beats_read for each in inner),
                beats_written=written + sum(each.times * each.beats_written for each in inner),
            )
        )
    return tuple(found)


def _check_parameters(program: Columns, m: Int64Array, s: Int64Array) -> None:
    """No LOAD of parameters would have to wait for the store before the last ones, `STORES_BEHIND`, wherever it did so.

    Raises:
        NotAlikeError: one might.
    """
    loads = program.at(Opcode.LOAD)
    loads = loads[program.kind[loads] == Kind.PARAMETERS]
    store = np.searchsorted(program.stores, loads) - STORES_BEHIND
    loads, store = loads[store >= 0], store[store >= 0]
    begins = s[at.SEQUENCES :]
    if (m[begins[at.DISPATCHED] + loads] <= m[begins[at.STORE_POPPED] + store]).any():
        raise NotAlikeError("parameters are loaded before the stores before them are done")


def _place(
    machine: Machine, program: Columns, m: Int64Array, seen: Mapping[int, Snapshot], cut: Cut
) -> tuple[int, int, int]:
    """The first place of a cut from whose end the machine goes on as from its start, and the clocks between them."""
    for start, stop in cut.places:
        if _instructions_alike(machine, program, (start, stop), (seen[start], seen[stop])):
            clocks = clocks_between(m, seen[start], seen[stop], _between(program, start, stop))
            if clocks is not None:
                return start, stop, clocks
    raise NotAlikeError(f"instructions {cut.places[0]} may not stand for others like them")


def _oldest(program: Columns, s: Int64Array) -> int:
    """The first instruction of which anything is read any more."""
    ends = [
        (program.at(Opcode.LOAD), s[at.LOAD_ENDED]),
        (program.stores, s[at.STORE_POPPED]),
        (program.at(Opcode.PASS), min(s[at.CORE_PASS] - 1, s[at.CORE_FED])),
        (program.jobs, s[at.WALKING] - 1),
        *((program.of_engine[each], s[at.BEGUN + each]) for each in Engine),
    ]
    return min(int(numbers[max(0, min(place, numbers.size - 1))]) for numbers, place in ends if numbers.size)


def _instructions_alike(
    machine: Machine, program: Columns, place: tuple[int, int], seen: tuple[Snapshot, Snapshot]
) -> bool:
    """Whether the instructions around both places are the same: those under way, and all that are known."""
    (start, stop), (first, second) = place, seen
    size, known = stop - start, int(second.s[at.REQUESTS]) * FETCH_CHUNK
    code = size * INSTRUCTION_BYTES // machine.beat_bytes
    if size % FETCH_CHUNK or code % machine.burst_beats or known >= len(program):
        return False
    oldest = _oldest(program, first.s)
    before, after = slice(oldest, known - size), slice(oldest + size, known)
    own, again = (program.address[each] // machine.beat_bytes % machine.burst_beats for each in (before, after))
    columns = [getattr(program, name) for name in FIELDS if name != "address"]
    if not np.array_equal(own, again) or not all(np.array_equal(each[before], each[after]) for each in columns):
        return False
    passes = program.passes
    begins, ends = (np.searchsorted(program.at(Opcode.PASS), [each.start, each.stop]) for each in (before, after))
    if not np.array_equal(passes.command[slice(*begins)], passes.command[slice(*ends)]):
        return False
    loads = [np.where(each > 0, passes.resident[each - 1] + 1, 0) for each in (begins, ends)]
    return np.array_equal(passes.tile[slice(*loads[0])], passes.tile[slice(*loads[1])])


def _between(program: Columns, start: int, stop: int) -> Between:
    """What lies between two places."""
    inside = slice(start, stop)
    opcode, engine, signal = program.opcode[inside], program.engine[inside], program.signal[inside]
    begin, end = np.searchsorted(program.at(Opcode.PASS), [start, stop])
    pixels, beat, _, load, _, last = (each[begin:end] for each in program.passes.fields)
    stores, loads = (opcode == Opcode.STORE) | (opcode == Opcode.TURN), opcode == Opcode.LOAD
    jobs = (engine == Engine.EXECUTE) & ((opcode == Opcode.PASS) | (signal > 0))
    counts = {
        "instructions": stop - start,
        "chunks": (stop - start) // FETCH_CHUNK,
        "loads": int(loads.sum()),
        "jobs": int(jobs.sum()),
        "fed": int(pixels[beat > 0].sum()),
        "passes": int(end - begin),
        "tiles": int(load.sum()),
        "stores": int(stores.sum()),
        "writes": int(program.memory[inside][stores].sum()),
        "items": int(pixels[last == 1].sum()),
    }
    return Between(tuple(int((engine == each).sum()) for each in Engine), counts)
