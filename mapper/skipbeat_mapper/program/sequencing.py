"""From units to a schedule: the order of operations, and the tokens between them.

Instructions are fetched in order and an engine's queue holds few, so whatever an instruction waits for must stand
before it: then the first one that is not done can always go on, and nothing blocks for ever. For the same reason a
STORE stands before the passes that feed it, whose results would have nowhere to go.

Loads of the next units are put between the passes of a unit, a few at a time, as far as they do not disturb anything
that is still to run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.machine import Machine
from skipbeat_sim.timing.columns import Cut, NotAlikeError, times_of

from ..memory_map import MemoryMap
from ..order import places as at
from ..order.hazards import REMEMBERED, STORES_BEHIND
from ..order.places import Columns, arranged, column
from ..order.prefetch import FAR
from ..order.repeats import Snapshot, few_open, goes_on_alike
from ..order.unit_order import order_units
from ..units.network_units import plan, plan_again, plan_short
from ..units.on_chip import memory_sizes
from ..units.repetition import UnitCut
from ..units.units import Space, Units
from .schedule import Ordered, Part, Schedule

#: Columns that say where ranges of memory end.
_MEMORY_STOPS = at.SOURCE_STOP, at.MEMORY_STOP
#: A latency that no memory has.
FOREVER = 1 << 32


def schedule_of(memory: MemoryMap, nodes: Sequence[int] | None = None) -> Schedule:
    """The schedule of a network.

    Args:
        memory: with all nodes in their places.
        nodes: only these of the first group of images, one of `turns`; what they read on the chip is there.
    """
    return _schedule(memory, plan(memory, nodes))


def short_schedule(memory: MemoryMap, nodes: Sequence[int] | None = None) -> Schedule | None:
    """The same without most of what comes several times, or None if that may not be what stands for it."""
    units, cuts = plan_short(memory, nodes)
    try:
        return _schedule(memory, units, cuts)
    except NotAlikeError:
        return None


def schedule_again(first: Schedule) -> Schedule | None:
    """The schedule of a run right after another one of the same network; None: that leaves not all of its weights."""
    units = plan_again(first.memory)
    if (units.columns[at.SPACE] == at.WEIGHTS).any():
        return None
    return dataclasses.replace(_schedule(first.memory, units), follows=first)


def _schedule(memory: MemoryMap, units: Units, cuts: Sequence[UnitCut] = ()) -> Schedule:
    return Schedule(memory=memory, units=units, ordered=sequence(units, memory.machine, memory.vectors, cuts))


def sequence(units: Units, machine: Machine, vectors: int, cuts: Sequence[UnitCut] = ()) -> Ordered:
    """The operations of units with their tokens, in order, or until the program is stuck.

    Args:
        units: in program order.
        machine: the hardware.
        vectors: of memory.
        cuts: where units are left out.

    Raises:
        NotAlikeError: units whose operations may not stand for those that are left out.
    """
    columns = units.columns
    s, m = unordered(columns, memory_sizes(machine, vectors), most_operations(columns))
    s[at.LATENCY] = machine.hw.memory.latency_clocks
    s[at.LOOSE] = bool(cuts)
    seen = dict[int, Snapshot]()
    for unit in sorted({unit for cut in cuts for unit in (*cut.starts, *cut.stops)}):
        order_units(s, m, max(seen, default=0), unit)
        seen[unit] = Snapshot.of(s, m, unit)
    order_units(s, m, max(seen, default=0), len(units))
    if cuts and not few_open(s, m):
        raise NotAlikeError("many tokens are open")
    found = [_places(s, m, seen, cut) for cut in cuts]
    drafts, zeros, parts = (slice(int(s[count])) for count in (at.DRAFTS, at.ZEROS, at.PARTS))

    def made(*numbers: int, of: slice) -> list[Int64Array]:
        return [column(s, m, number)[of].copy() for number in numbers]

    kind, refers, wait, signal, owner = made(at.KIND, at.REFERS, at.WAIT, at.SIGNAL, at.OWNER, of=drafts)
    rows = np.stack(made(at.PART_NODE, at.PART_START, at.PART_STOP, of=parts), axis=1)
    return Ordered(
        kind=kind,
        refers=refers,
        wait=wait,
        signal=signal,
        owner=owner,
        zeros=np.stack(made(at.ZERO_START, at.ZERO_STOP, of=zeros), axis=1),
        parts=tuple(Part(*each) for each in rows.tolist()),
        stuck=int(s[at.STUCK]),
        latencies=range(int(s[at.LEAST]), int(s[at.MOST]) + 1),
        cuts=tuple(Cut(places, cut.times) for (_, places), cut in zip(found, cuts, strict=True)),
        times=times_of(len(units), [Cut((place,), cut.times) for (place, _), cut in zip(found, cuts, strict=True)]),
    )


def _places(
    s: Int64Array, m: Int64Array, seen: Mapping[int, Snapshot], cut: UnitCut
) -> tuple[tuple[int, int], tuple[tuple[int, int], ...]]:
    """Units that stand for those that are left out, and all operations that do so.

    Raises:
        NotAlikeError: none do.
    """
    places = [(seen[start], seen[stop]) for start, stop in zip(cut.starts, cut.stops, strict=True)]
    for number, place in enumerate(places):
        if goes_on_alike(s, m, *place, cut.ring):  # and so from all places after this one
            first, second = place
            return (first.unit, second.unit), tuple((a.draft, b.draft) for a, b in places[number:])
    raise NotAlikeError(f"units {cut.starts[0]} to {cut.stops[0]} may not stand for others like them")


def most_operations(columns: Mapping[int, Int64Array]) -> int:
    """As many operations as units may have: header and end, a walk of each unit, and a place of each store."""
    places = at.NODE, at.STEPS, at.SPACE, at.SPAN_START, at.ITEMS, at.ITEMS
    return 2 + sum(columns[each].size for each in places)


def unordered(
    columns: Mapping[int, Int64Array], sizes: Mapping[Space, int], most: int
) -> tuple[Int64Array, Int64Array]:
    """The arrays of units of which none has its place.

    Args:
        columns: of the units.
        sizes: entries of each space; what lies beyond them does not count, as `limits` refuses it. Of the memory only
            what is both written and read counts.
        most: operations that there may be.
    """
    columns = {**columns, **_exchanged(columns, sizes[Space.MEMORY])}
    sizes = {**sizes, Space.MEMORY: max(0, *(int(columns[each].max(initial=0)) for each in _MEMORY_STOPS))}
    units, passes, loads, spans = (columns[n].size for n in (at.NODE, at.STEPS, at.SPACE, at.SPAN_START))
    room: dict[int, Int64Array | int] = dict.fromkeys((at.KIND, at.REFERS, at.OWNER, at.ENGINE), most)
    room |= {each: np.zeros(most, np.int64) for each in (at.WAIT, at.SIGNAL)}
    room |= dict.fromkeys((at.ZERO_START, at.ZERO_STOP), spans)
    room |= dict.fromkeys((at.PART_NODE, at.PART_START, at.PART_STOP), units)
    room |= {at.DONE: np.zeros(loads, np.int64), at.CLEAN: np.zeros(sizes[Space.ACTIVATIONS], np.int64)}
    room |= dict.fromkeys((at.LAST, at.MARK, at.HORIZON), at.ENGINES)
    room |= {at.MET: at.PAIRS, at.TOKENS: np.zeros(at.PAIRS, np.int64)}
    room |= dict.fromkeys((at.GIVER, at.TAKER), at.PAIRS * REMEMBERED)
    room |= {at.WRITER + space: size for space, size in sizes.items()}
    room |= {at.READER + space: 0 if space == Space.MEMORY else size for space, size in sizes.items()}
    room |= {at.STORED: sizes[Space.ACTIVATIONS], at.NEWEST: at.SPACES, at.LAST_STORES: STORES_BEHIND}
    room |= dict.fromkeys((at.PASS_DRAFT, at.BEGINS, at.ENDS, at.FEEDS), passes)
    room |= dict.fromkeys((at.RANGE_SPACE, at.RANGE_START, at.RANGE_STOP), (FAR + 1) * at.BUSY + loads)
    room |= dict.fromkeys((at.EARLY, at.DISTANCE, at.NOW), loads)
    s, m = arranged({**columns, **room, **_within(columns, sizes)})
    s[at.UNITS], s[at.MOST] = units, FOREVER
    s[[at.SET_UP, at.STUCK, at.LAST_LOCAL, at.LAST_LOAD, at.LAST_CLOSED, at.NEWEST_LOAD, at.OPEN_STORE]] = at.NEVER
    return s, m


def _exchanged(columns: Mapping[int, Int64Array], size: int) -> dict[int, Int64Array]:
    """Ranges of memory from the first vector on that some store may write and some load read, as far as the last one.

    Any two of them meet there if they meet at all, so nobody waits for anybody elsewhere.
    """
    numbers = (at.SOURCE, at.SOURCE_STOP), (at.MEMORY_START, at.MEMORY_STOP)
    used = [[columns[each][columns[each] != at.NOWHERE] for each in both] for both in numbers]
    first = max(int(start.min(initial=size)) for start, _ in used)
    last = max(first, min(int(stop.max(initial=0)) for _, stop in used))
    last = min(last, max(first, size))

    def moved(places: Int64Array) -> Int64Array:
        return np.where(places == at.NOWHERE, at.NOWHERE, np.clip(places, first, last) - first)

    found = {each: moved(columns[each]) for both in numbers for each in both}
    for number in (at.BUSY_START, at.BUSY_STOP):
        busy = columns[number].reshape(-1, at.BUSY).copy()
        of_memory = at.BUSY_SPACES.index(at.MEMORY)
        busy[:, of_memory] = moved(busy[:, of_memory])
        found[number] = busy.ravel()
    return found


def _within(columns: Mapping[int, Int64Array], sizes: Mapping[Space, int]) -> Columns:
    """Ranges that are read and written, as far as they lie in their spaces."""
    found: dict[int, Int64Array] = {}
    of_space = {
        Space.ACTIVATIONS: (
            at.ENTRIES_START,
            at.ENTRIES_STOP,
            at.SPAN_START,
            at.SPAN_STOP,
            at.BANKS_START,
            at.BANKS_STOP,
        ),
        Space.TABLE: (at.TABLE_START, at.TABLE_STOP),
        Space.WEIGHTS: (at.WORDS_START, at.WORDS_STOP),
        Space.PARAMETERS: (at.PARAMETERS_START, at.PARAMETERS_STOP),
        Space.RESIDUAL: (at.RESIDUAL_START, at.RESIDUAL_STOP),
        Space.MEMORY: (at.SOURCE, at.SOURCE_STOP, at.MEMORY_START, at.MEMORY_STOP),
    }
    for space, numbers in of_space.items():
        found |= {number: np.minimum(columns[number], sizes[space]) for number in numbers}
    of_load = np.array([sizes[space] for space in Space], np.int64)[columns[at.SPACE]]
    return found | {number: np.minimum(columns[number], of_load) for number in (at.START, at.STOP)}
