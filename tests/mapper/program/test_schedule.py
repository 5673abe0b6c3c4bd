"""A schedule is complete: every node's units, every operation of them once, and what they need of memory."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from skipbeat_arch.engines import Engine
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.instruction import INSTRUCTION_BYTES
from skipbeat_arch.machine import Machine
from skipbeat_mapper.program.schedule import ENGINES, Mark, Schedule
from skipbeat_mapper.program.sequencing import schedule_of
from skipbeat_mapper.units.unit import Load, PassOp, StoreOp
from tests.mapper.networks import random_graph
from tests.mapper.placed import placed

MACHINE = Machine.of(load_hardware("edge-8x8", ["activations.buffer_kib=8", "weights.buffer_kib=4"]))


def a_schedule(seed: int, images: int = 1) -> Schedule:
    return schedule_of(placed(random_graph(np.random.default_rng(seed)), MACHINE, images))


@pytest.mark.parametrize("seed", range(6))
def test_operations_are_those_of_the_units(seed: int) -> None:
    schedule = a_schedule(seed, images=2)
    units, operations = schedule.units, schedule.operations
    passes = [op for unit in units for op in unit.passes]
    assert [each.what for each in operations if isinstance(each.what, PassOp)] == passes
    stores = [unit.store for unit in units if unit.store is not None]
    assert [each.what for each in operations if isinstance(each.what, StoreOp)] == stores
    loads = Counter(id(load) for unit in units for load in unit.loads if isinstance(load, Load))
    assert Counter(id(each.what) for each in operations if isinstance(each.what, Load)) == loads
    assert [operations[0].what, operations[-1].what] == [Mark.HEADER, Mark.END]
    for number, each in enumerate(operations):
        if ENGINES[type(each.what)] == Engine.LOAD:
            assert sum(number in of_node for of_node in schedule.loads.values()) == 1
    assert schedule.tiles == [op.tile for op in passes if op.tile is not None]
    assert schedule.stuck is None


@pytest.mark.parametrize("seed", range(4))
def test_nodes_and_parts(seed: int) -> None:
    schedule = a_schedule(seed)
    nodes = schedule.memory.graph.nodes
    found = schedule.nodes
    assert [each.placed.node for each in found] == list(nodes)
    assert sorted(id(unit) for each in found for unit in each.units) == sorted(map(id, schedule.units))
    assert [schedule.name(number + len(nodes)) for number in range(len(nodes))] == [n.layer.name for n in nodes]
    for part in schedule.parts:
        stores = [e.what for e in schedule.operations[part.start : part.stop] if isinstance(e.what, StoreOp)]
        own = [unit.store for unit in found[part.node].units]
        assert all(any(store is each for each in own) for store in stores)


def test_memory_follows_the_instructions() -> None:
    schedule = a_schedule(1)
    burst = MACHINE.burst_beats * MACHINE.vector
    assert schedule.start % burst == 0
    assert 0 <= schedule.start - len(schedule.operations) * INSTRUCTION_BYTES < burst
    assert schedule.size == schedule.start + schedule.memory.vectors * MACHINE.vector
