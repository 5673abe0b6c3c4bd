"""Loads that go before the end of earlier units: everything is still read as it was written."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.command import Command
from skipbeat_arch.engines import Kind
from skipbeat_mapper.order import places as at
from skipbeat_mapper.order.places import column
from skipbeat_mapper.order.prefetch import in_order, prefetchable
from skipbeat_mapper.program.sequencing import most_operations, unordered
from skipbeat_mapper.units.units import Space, Walk
from tests.mapper.listed import Clear, Load, PassOp, Range, Unit, a_store, units_of

SPACES = (Space.WEIGHTS, Space.ACTIVATIONS)
COMMAND = Command(pixels=1, beat=1, rows=1, cols=1, load=False)
Memory = dict[tuple[Space, int], object]


def ranges(*spaces: Space) -> st.SearchStrategy[Range]:
    """A few entries of small memories."""
    return st.builds(
        lambda space, at, count: Range(space, at, at + count),
        st.sampled_from(spaces),
        st.integers(0, 7),
        st.integers(1, 3),
    )


def load_of(writes: Range, source: int) -> Load | Clear:
    count = writes.stop - writes.start
    if source < 0:
        return Clear(spans=((writes.start, writes.stop),), writes=writes)
    return Load(kind=Kind(writes.space), to=writes.start, source=source, count=count, writes=writes)


def unit_of(loads: list[Load | Clear], reads: list[Range], writes: Range | None) -> Unit:
    passes = [PassOp(command=COMMAND, reads=(each,)) for each in reads] or [PassOp(command=COMMAND)]
    walk = Walk(counts=(1,) * 4, steps=(0,) * 4)
    store = a_store(
        writes=writes if writes and writes.space == Space.MEMORY else None,
        local=writes if writes and writes.space != Space.MEMORY else None,
    )
    return Unit(node=0, walk=walk, loads=tuple(loads), passes=tuple(passes), store=store if writes else None)


def begun(units: Sequence[Unit]) -> tuple[Int64Array, Int64Array, list[Load | Clear]]:
    """The arrays of an order that has only begun, and the loads behind their numbers."""
    columns = units_of(units).columns
    loads = [load for unit in units for load in unit.loads]
    return *unordered(columns, dict.fromkeys(Space, 16), most_operations(columns)), loads


def prefetched(units: Sequence[Unit]) -> list[tuple[Load | Clear, int]]:
    """Loads of later units than the first that may go before its end, with how many units later they come."""
    s, m, loads = begun(units)
    found = slice(prefetchable(s, m, 0))
    numbers, distances = (column(s, m, each)[found].tolist() for each in (at.EARLY, at.DISTANCE))
    return [(loads[load], distance) for load, distance in zip(numbers, distances, strict=True)]


LOADS = st.builds(load_of, ranges(*SPACES), st.integers(-1, 7))
UNITS = st.builds(
    unit_of,
    st.lists(LOADS, max_size=3),
    st.lists(ranges(*SPACES), max_size=2),
    st.none() | ranges(Space.MEMORY, Space.ACTIVATIONS),
)


def entries(r: Range) -> Iterator[tuple[Space, int]]:
    return ((r.space, entry) for entry in range(r.start, r.stop))


def run(events: Sequence[tuple[int, Load | Clear | Unit]]) -> dict[int, object]:
    """What each unit finds where it reads, by its number; a load writes its number and what it reads from memory."""
    memory: Memory = {}
    found: dict[int, object] = {}
    for number, event in events:
        if isinstance(event, Unit):
            found[number] = [memory.get(at) for p in event.passes for r in p.reads for at in entries(r)]
            memory |= {at: ("unit", number) for r in (event.store.changes if event.store else []) for at in entries(r)}
        else:
            source = entries(event.reads) if isinstance(event, Load) else iter(())
            value = number, tuple(memory.get(at) for at in source)
            memory |= dict.fromkeys(entries(event.writes), value)
    return found


@settings(max_examples=300)
@given(st.lists(UNITS, min_size=1, max_size=5))
def test_a_load_never_passes_what_still_reads_its_target_or_writes_its_source(units: list[Unit]) -> None:
    numbers = {id(each): n for n, each in enumerate(itertools.chain(*(unit.loads for unit in units), units))}
    early = prefetched(units)
    moved = {id(load) for load, _ in early}
    assert len(moved) == len(early)
    for each, distance in early:
        assert any(each is load for load in units[distance].loads)
    later = [
        event
        for number, unit in enumerate(units)
        for event in (*(load for load in unit.loads if number and id(load) not in moved), unit)
    ]
    plain = [event for number, unit in enumerate(units) for event in (*(unit.loads if number else ()), unit)]
    before = [(numbers[id(load)], load) for load in units[0].loads]
    expected = run(before + [(numbers[id(event)], event) for event in plain])
    for order in (early, sorted(early, key=lambda each: -each[1])):  # far ones may come before near ones
        first = [(numbers[id(load)], load) for load, _ in order]
        assert run(before + first + [(numbers[id(event)], event) for event in later]) == expected


def test_what_meets_nothing_goes_early_and_what_meets_something_does_not() -> None:
    free, wanted = Range(Space.WEIGHTS, 8, 9), Range(Space.WEIGHTS, 0, 2)
    first = unit_of([], [wanted], Range(Space.MEMORY, 4, 6))
    loads = {
        "free": load_of(free, 0),
        "still read": load_of(wanted, 0),
        "written by the store": load_of(free, 5),
        "zeros": load_of(Range(Space.ACTIVATIONS, 0, 3), -1),
    }
    for name, load in loads.items():
        early = prefetched([first, unit_of([load], [], None)])
        assert early == ([(load, 1)] if name in ("free", "zeros") else [])


def test_a_later_load_does_not_pass_one_that_stays_behind_and_writes_the_same() -> None:
    wanted = Range(Space.WEIGHTS, 0, 2)
    first, stays = unit_of([], [wanted], None), load_of(wanted, 0)
    units = [first, unit_of([stays], [], None), unit_of([load_of(Range(Space.WEIGHTS, 1, 3), 0)], [], None)]
    assert prefetched(units) == []


def test_nothing_is_zeroed_before_an_earlier_load_that_writes_there_unread() -> None:
    """The last entries of a region may be read by no pass, where weights are zero."""
    lines, zeros = load_of(Range(Space.ACTIVATIONS, 0, 3), 0), load_of(Range(Space.ACTIVATIONS, 2, 4), -1)
    units = [
        unit_of([], [], None),
        unit_of([lines], [Range(Space.ACTIVATIONS, 0, 2)], None),
        unit_of([zeros], [], None),
    ]
    assert prefetched(units) == [(lines, 1)]


def test_what_writes_the_banks_comes_last_but_zeros_first_at_the_start() -> None:
    weights, activations = load_of(Range(Space.WEIGHTS, 0, 1), 0), load_of(Range(Space.ACTIVATIONS, 0, 1), 0)
    zeros, table = load_of(Range(Space.ACTIVATIONS, 4, 5), -1), load_of(Range(Space.TABLE, 0, 1), 0)
    loads = [activations, weights, zeros, table]
    s, m, loads = begun([unit_of(loads, [], None)])
    for first, wanted in ((False, [weights, table, activations, zeros]), (True, [zeros, activations, weights, table])):
        assert in_order(s, m, 0, first) == len(loads)
        assert [loads[number] for number in column(s, m, at.NOW)] == wanted
    column(s, m, at.DONE)[:3] = True
    assert in_order(s, m, 0, False) == 1
    assert loads[column(s, m, at.NOW)[0]] is table
