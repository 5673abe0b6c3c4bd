"""A schedule is complete: every operation of the units once, and what they need of memory."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.engines import Engine
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.instruction import INSTRUCTION_BYTES
from skipbeat_arch.machine import Machine
from skipbeat_mapper.order import places as at
from skipbeat_mapper.program.schedule import Schedule
from skipbeat_mapper.program.sequencing import schedule_of
from tests.mapper.listed import Load, listed
from tests.mapper.networks import random_graph
from tests.mapper.placed import placed

MACHINE = Machine.of(load_hardware("edge-8x8", ["activations.buffer_kib=8", "weights.buffer_kib=4"]))


def a_schedule(seed: int, images: int = 1) -> Schedule:
    return schedule_of(placed(random_graph(np.random.default_rng(seed)), MACHINE, images))


@pytest.mark.parametrize("seed", range(6))
def test_operations_are_those_of_the_units(seed: int) -> None:
    schedule = a_schedule(seed, images=2)
    ordered, units = schedule.ordered, listed(schedule.units)
    refers = {kind: ordered.refers[ordered.kind == kind].tolist() for kind in range(8)}
    assert refers[at.A_PASS] == list(range(sum(len(unit.passes) for unit in units)))
    assert refers[at.A_STORE] == list(range(sum(unit.store is not None for unit in units)))
    every = [load for unit in units for load in unit.loads]
    loads = [number for number, load in enumerate(every) if isinstance(load, Load)]
    assert sorted(refers[at.A_LOAD]) == loads
    assert ordered.kind[[0, -1]].tolist() == [at.HEADER, at.AN_END]
    assert np.array_equal(np.flatnonzero(ordered.owner >= 0), np.flatnonzero(ordered.engine == Engine.LOAD))
    assert schedule.tiles == [op.tile for unit in units for op in unit.passes if op.tile is not None]
    assert ordered.stuck == at.NOWHERE


@pytest.mark.parametrize("seed", range(4))
def test_parts_are_of_their_nodes(seed: int) -> None:
    schedule = a_schedule(seed)
    nodes, ordered = schedule.memory.graph.nodes, schedule.ordered
    assert [schedule.name(number + len(nodes)) for number in range(len(nodes))] == [n.layer.name for n in nodes]
    of_stores = schedule.units.columns[at.NODE][schedule.units.of_stores]
    for part in schedule.parts:
        own = slice(part.start, part.stop)
        stores = ordered.refers[own][ordered.kind[own] == at.A_STORE]
        assert set(of_stores[stores].tolist()) == {part.node}


def test_memory_follows_the_instructions() -> None:
    schedule = a_schedule(1)
    burst = MACHINE.burst_beats * MACHINE.vector
    assert schedule.start % burst == 0
    assert 0 <= schedule.start - len(schedule.ordered) * INSTRUCTION_BYTES < burst
    assert schedule.size == schedule.start + schedule.memory.vectors * MACHINE.vector
