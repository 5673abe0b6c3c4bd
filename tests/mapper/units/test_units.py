"""Units as columns of numbers: what they are of, and what they stand for."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch.engines import Kind
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_mapper.order import places as at
from skipbeat_mapper.units.making import fields as f
from skipbeat_mapper.units.network_units import plan
from skipbeat_mapper.units.units import Space, Walk
from tests.mapper.listed import listed, units_of
from tests.mapper.networks import random_graph
from tests.mapper.placed import placed
from tests.mapper.random_nodes import few

MACHINE = Machine.of(load_hardware("edge-8x8", ["activations.buffer_kib=8"]))
COUNTS = st.tuples(*[st.integers(1, 3)] * 4)
STEPS = st.tuples(*[st.integers(0, 5)] * 4)


@few
@given(COUNTS, STEPS)
def test_a_walk_by_loops(counts: tuple[int, int, int, int], steps: tuple[int, int, int, int]) -> None:
    walk = Walk(counts=counts, steps=steps)
    places = [sum(n * step for n, step in zip(at, steps, strict=True)) for at in itertools.product(*map(range, counts))]
    assert walk.items == len(places)
    assert walk.reach == max(places)


@pytest.mark.parametrize("seed", range(4))
def test_things_are_of_the_units_that_have_them(seed: int) -> None:
    units = plan(placed(random_graph(np.random.default_rng(seed)), MACHINE))
    every = listed(units)
    assert len(units) == len(every)
    assert units.of_passes.tolist() == [number for number, unit in enumerate(every) for _ in unit.passes]
    assert units.of_loads.tolist() == [number for number, unit in enumerate(every) for _ in unit.loads]
    assert units.of_stores.tolist() == [number for number, unit in enumerate(every) if unit.store is not None]
    tiles = [op.tile for unit in every for op in unit.passes if op.tile is not None]
    assert [units.tiles[number] for number in units.loaded.tolist()] == tiles


@pytest.mark.parametrize("seed", range(4))
def test_columns_are_all_that_the_order_reads(seed: int) -> None:
    """The same columns follow from the units one by one."""
    units = plan(placed(random_graph(np.random.default_rng(seed)), MACHINE))
    again = units_of(listed(units), MACHINE.vector_beats)
    assert sorted(units.columns) == list(range(at.READ_COLUMNS))
    for number in units.columns:
        if number != at.WALK:
            assert np.array_equal(units.columns[number], again.columns[number]), number
    made, other = ([each.walks[walk] for walk in each.columns[at.WALK].tolist()] for each in (units, again))
    assert made == other
    made, other = ([each.commands[n] for n in each.passes[f.COMMAND].tolist()] for each in (units, again))
    assert made == other


def test_the_kinds_are_spaces() -> None:
    assert [Space(kind).name for kind in Kind] == [kind.name for kind in Kind]
    assert [Space(number).name for number in (at.WEIGHTS, at.TABLE, at.MEMORY)] == ["WEIGHTS", "TABLE", "MEMORY"]
