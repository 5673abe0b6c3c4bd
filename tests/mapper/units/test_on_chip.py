"""Rings of the on-chip memories: ranges come round and round, and what is kept is told apart from what was lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import PARAMETER_BLOCKS, TABLE_ENTRIES, Machine
from skipbeat_mapper.units.on_chip import OnChip, Ring, memory_sizes
from skipbeat_mapper.units.unit import Space
from tests.mapper.random_nodes import few

SIZE = 12
#: A range without a name that is only taken, or one of four that are kept.
WANTED = st.lists(st.tuples(st.sampled_from(["", "a", "b", "c", "d"]), st.integers(1, SIZE - 2)), max_size=40)


@few
@given(WANTED, st.sampled_from([0, 2]))
def test_what_is_kept_is_there_as_long_as_nothing_was_put_over_it(wanted: list[tuple[str, int]], first: int) -> None:
    ring, sizes, last, behind = Ring(SIZE, first), dict[str, int](), dict[str, int](), first
    memory = [-1] * SIZE  # the number of the range that was put there last
    for number, (name, drawn) in enumerate(wanted):
        count = sizes.setdefault(name, drawn) if name else drawn
        there = name in last and memory.count(last[name]) == count
        start, new = ring.keep(name, count) if name else (ring.take(count), True)
        assert new != there
        if there:
            assert memory[start : start + count] == [last[name]] * count
            continue
        assert start == (behind if behind + count <= SIZE else first)
        behind = start + count
        memory[start:behind] = [number] * count
        if name:
            last[name] = number


@few
@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from([(0, 6), (6, SIZE), None])), max_size=20))
def test_a_range_lies_within_what_it_may_use(wanted: list[tuple[int, tuple[int, int] | None]]) -> None:
    ring, behind = Ring(SIZE), 0
    for count, within in wanted:
        first, stop = within or (0, SIZE)
        start = ring.take(count, within)
        assert start == (behind if first <= behind and behind + count <= stop else first)
        behind = start + count


@pytest.mark.parametrize(
    ("count", "starts"),
    [(8, [0, 4, 0, 4]), (11, [0, 1, 0, 1]), (12, [0, 0, 0, 0]), (6, [0, 6, 0, 6]), (5, [0, 5, 0, 5])],
)
def test_ranges_that_do_not_fit_twice_begin_at_the_start_and_end_at_the_end_in_turn(
    count: int, starts: list[int]
) -> None:
    ring, within = Ring(SIZE + 5), (2, SIZE + 2)
    assert [ring.take(count, within, apart=True) for _ in starts] == [2 + start for start in starts]


def test_more_than_there_is_reaches_beyond_the_end() -> None:
    ring = Ring(8, first=1)
    assert [ring.take(7), ring.take(8), ring.take(3, (4, 6))] == [1, 1, 4]


def test_sizes_are_what_addresses_reach() -> None:
    sizes = memory_sizes(Machine.of(load_hardware("tiny-4x4", ["activations.buffer_kib=1024"])), 5)
    assert set(sizes) == set(Space)
    assert (sizes[Space.MEMORY], sizes[Space.ACTIVATIONS], sizes[Space.TABLE]) == (5, (1 << 16) - 1, TABLE_ENTRIES)


def test_every_memory_has_its_ring() -> None:
    machine = Machine.of(load_hardware("tiny-4x4"))
    chip = OnChip(machine)
    assert chip.weights.size == machine.weight_depth
    assert chip.activations.size == machine.bank_depth
    assert chip.residual.size == machine.residual_depth
    assert chip.parameters.size == PARAMETER_BLOCKS
    assert (chip.table.size, chip.table.take(1)) == (TABLE_ENTRIES, 1)  # entry 0 is that of zeros


def test_only_the_last_tile_is_in_the_array() -> None:
    chip = OnChip(Machine.of(load_hardware("tiny-4x4")))
    tiles = [(0, 0, 0), (0, 0, 0), (0, 0, 1), (0, 0, 0), (0, 1, 0), (1, 1, 0), (1, 1, 0)]
    assert [chip.enter(tile) for tile in tiles] == [True, False, True, True, True, True, False]
