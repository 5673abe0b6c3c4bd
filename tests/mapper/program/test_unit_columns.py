"""Units as columns of numbers: what they say is what the units say."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.command import Command
from skipbeat_arch.engines import Kind
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_mapper.order import places as at
from skipbeat_mapper.order.places import ZERO_CLOCKS
from skipbeat_mapper.program.unit_columns import LOAD_CLOCKS, unit_columns
from skipbeat_mapper.units.network_units import plan
from skipbeat_mapper.units.unit import Clear, Load, PassOp, Range, Space, Unit, Walk
from tests.mapper.networks import random_graph
from tests.mapper.placed import placed

MACHINE = Machine.of(load_hardware("edge-8x8", ["activations.buffer_kib=8"]))


@pytest.mark.parametrize("seed", range(4))
def test_columns_are_the_units(seed: int) -> None:
    units = list(plan(placed(random_graph(np.random.default_rng(seed)), MACHINE)))
    found, objects = unit_columns(units, 2)
    columns = {number: each.tolist() for number, each in found.items()}
    assert sorted(columns) == list(range(at.READ_COLUMNS))
    for number, unit in enumerate(units):
        assert (columns[at.NODE][number], objects.walks[columns[at.WALK][number]]) == (unit.node, unit.walk)
        assert tuple(objects.passes[slice(*columns[at.FIRST_PASS][number : number + 2])]) == tuple(unit.passes)
        assert tuple(objects.loads[slice(*columns[at.FIRST_LOAD][number : number + 2])]) == unit.loads
        store = columns[at.UNIT_STORE][number]
        assert (objects.stores[store] if store >= 0 else None) is unit.store
        lines = slice(at.BUSY * number, at.BUSY * (number + 1))
        busy = zip(at.BUSY_SPACES, columns[at.BUSY_START][lines], columns[at.BUSY_STOP][lines], strict=True)
        assert {Range(Space(space), *span) for space, *span in busy if span[0] >= 0} == set(unit.busy)
    for number, op in enumerate(objects.passes):
        pixels, steps = op.command.pixels, [columns[each][number] for each in (at.STEPS, at.FED, at.SUMS)]
        assert steps == [op.steps, pixels * (op.command.beat > 0), pixels * op.command.last]
    for number, load in enumerate(objects.loads):
        assert (
            Range(Space(columns[at.SPACE][number]), columns[at.START][number], columns[at.STOP][number]) == load.writes
        )
        spans = slice(*columns[at.FIRST_SPAN][number : number + 2])
        cleared = list(zip(columns[at.SPAN_START][spans], columns[at.SPAN_STOP][spans], strict=True))
        assert cleared == (list(load.spans) if isinstance(load, Clear) else [])
        if isinstance(load, Load):
            assert (Space.MEMORY, columns[at.SOURCE][number], columns[at.SOURCE_STOP][number]) == load.reads


def test_what_a_load_costs() -> None:
    load = Load(kind=Kind.WEIGHTS, to=0, source=0, count=3, writes=Range(Space.WEIGHTS, 0, 3))
    zeros = Clear(spans=((0, 2), (4, 9)), writes=Range(Space.ACTIVATIONS, 0, 9))
    null = PassOp(Command(pixels=1, beat=0, rows=0, cols=1, load=False))
    unit = Unit(node=0, walk=Walk(counts=(1,) * 4, steps=(0,) * 4), passes=(null,), loads=(load, zeros))
    columns, _ = unit_columns([unit], 4)
    assert columns[at.CLOCKS].tolist() == [3 * 4 + LOAD_CLOCKS, 2 + 5 + 2 * ZERO_CLOCKS]
