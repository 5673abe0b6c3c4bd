"""The parts of a plan: what they read and write, by loops over entries."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch.command import Command
from skipbeat_arch.engines import Kind
from skipbeat_mapper.units.unit import Load, Local, PassOp, Range, Space, StoreOp, Unit, Walk
from tests.mapper.random_nodes import few

SPACES = st.sampled_from([Space.WEIGHTS, Space.ACTIVATIONS, Space.MEMORY])
RANGES = st.builds(lambda space, at, count: Range(space, at, at + count), SPACES, st.integers(0, 9), st.integers(0, 4))
COUNTS = st.tuples(*[st.integers(1, 3)] * 4)
STEPS = st.tuples(*[st.integers(0, 5)] * 4)


def entries(*ranges: Range) -> set[tuple[Space, int]]:
    return {(space, entry) for space, start, stop in ranges for entry in range(start, stop)}


def a_store(*reads: Range, writes: Range | None = None, local: Range | None = None) -> StoreOp:
    place = local and Local(to=local.start, width=1, pitch=1, period=0, bank=0, writes=local)
    return StoreOp(
        address=0,
        block=0,
        low=-128,
        high=127,
        raw=False,
        residual_at=None,
        count=1,
        pool=1,
        reads=reads,
        writes=writes,
        local=place,
    )


@few
@given(RANGES, RANGES)
def test_ranges_meet_where_they_share_an_entry(one: Range, other: Range) -> None:
    if one.start < one.stop and other.start < other.stop:
        assert one.meets(other) == bool(entries(one) & entries(other))


@few
@given(COUNTS, STEPS)
def test_a_walk_by_loops(counts: tuple[int, int, int, int], steps: tuple[int, int, int, int]) -> None:
    walk = Walk(counts=counts, steps=steps)
    places = [sum(n * step for n, step in zip(at, steps, strict=True)) for at in itertools.product(*map(range, counts))]
    assert walk.items == len(places)
    assert walk.reach == max(places)


@few
@given(st.lists(st.lists(RANGES, max_size=3), max_size=4), st.lists(RANGES, max_size=2), RANGES, RANGES)
def test_a_unit_is_busy_with_all_that_it_reads_and_writes(
    passes: list[list[Range]], reads: list[Range], writes: Range, local: Range
) -> None:
    command = Command(pixels=1, beat=0, rows=0, cols=1, load=False)
    ops = [PassOp(command, reads=tuple(each)) for each in passes]
    store = a_store(*reads, writes=writes, local=local)
    unit = Unit(node=0, walk=Walk(counts=(1,) * 4, steps=(0,) * 4), passes=tuple(ops), store=store)
    used = [*itertools.chain(*passes), *reads]
    assert entries(*used, writes, local) <= entries(*unit.busy)
    for space in Space:  # of what it reads, one range of each memory from the first entry to the last
        ends = [end for r in used if r.space == space for end in (r.start, r.stop)]
        hulls = [r for r in unit.busy[:-2] if r.space == space]
        assert hulls == ([Range(space, min(ends), max(ends))] if ends else [])
    assert unit.busy[-2:] == store.changes == [writes, local]


def test_a_store_changes_what_it_writes() -> None:
    memory, banks = Range(Space.MEMORY, 3, 5), Range(Space.ACTIVATIONS, 1, 2)
    assert a_store().changes == []
    assert a_store(writes=memory).changes == [memory]
    assert a_store(local=banks).changes == [banks]


def test_a_load_reads_memory_and_the_kinds_are_spaces() -> None:
    load = Load(kind=Kind.TABLE, to=1, source=70, count=3, writes=Range(Space.TABLE, 1, 4))
    assert load.reads == Range(Space.MEMORY, 70, 73)
    assert [Space(kind).name for kind in Kind] == [kind.name for kind in Kind]


def test_a_pass_takes_a_beat_of_each_pixel_and_a_null_pass_a_clock() -> None:
    sizes = [(beat, PassOp(Command(pixels=7, beat=beat, rows=1, cols=1, load=False)).steps) for beat in (0, 1, 4)]
    assert sizes == [(0, 7), (1, 7), (4, 28)]
