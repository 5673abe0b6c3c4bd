"""Units of some nodes together: whatever is made at a time, and what a program finds that follows another one."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import PARAMETER_BLOCKS, TABLE_ENTRIES, Machine
from skipbeat_arch.workload import Convolution
from skipbeat_mapper.memory_map import MemoryMap
from skipbeat_mapper.order import places as at
from skipbeat_mapper.units.making import fields as f
from skipbeat_mapper.units.planner import Planner
from tests.mapper.listed import listed, visited
from tests.mapper.networks import random_graph
from tests.mapper.placed import graph_of, placed
from tests.mapper.random_nodes import node_of

MACHINE = Machine.of(load_hardware("edge-8x8", ["activations.buffer_kib=8", "weights.buffer_kib=4"]))


def parameters(columns: int) -> MemoryMap:
    """A node of so many column tiles whose weights come anew for every block."""
    conv = Convolution(batch=1, c_in=512, c_out=8 * columns, height=1, width=24, kernel=(1, 1))
    return placed(graph_of(node_of(conv)), MACHINE)


@pytest.mark.parametrize("seed", range(4))
def test_it_does_not_matter_how_many_visits_are_made_at_a_time(seed: int) -> None:
    memory = placed(random_graph(np.random.default_rng(seed)), MACHINE)
    for number in range(len(memory.graph.nodes)):
        one_by_one = [unit for visit in visited(memory, number=number) for unit in visit.units]
        planner = Planner(memory, [(0, number)])
        planner.follow(planner.visits[0])
        planner.make(0, len(planner.visits[0]))
        together = listed(planner.units())
        assert [vars(unit) for unit in together] == [vars(unit) for unit in one_by_one]
        assert planner.made == len(together)
        walks = sum(a is None or a.walk != b.walk for a, b in zip([None, *together], together, strict=False))
        every = sum(len(unit.passes) + len(unit.loads) + (unit.store is not None) for unit in together)
        assert planner.operations == every + walks - 1  # but for the load of zeros


@pytest.mark.parametrize("seed", range(8))
def test_there_is_room_for_all_passes_and_stores_and_no_more(seed: int) -> None:
    """Of other things more; compiled code checks that they are within their arrays."""
    memory = placed(random_graph(np.random.default_rng(seed)), MACHINE, 2)
    for number in range(len(memory.graph.nodes)):
        planner = Planner(memory, [(0, number)])
        planner.follow(planner.visits[0])
        planner.make(0, len(planner.visits[0]))
        made = planner.units()
        assert made.passes.T.shape == planner.arrays.passes.shape
        assert made.stores.T.shape == planner.arrays.stores.shape


def test_every_memory_is_a_ring_of_its_size() -> None:
    planner = Planner(parameters(3), [(0, 0)])
    sizes = planner.arrays.machine[: at.SPACES]
    wanted = MACHINE.weight_depth, MACHINE.bank_depth, PARAMETER_BLOCKS, MACHINE.residual_depth, TABLE_ENTRIES
    assert sizes[:-1].tolist() == list(wanted)
    assert planner.arrays.chip[: at.SPACES].tolist() == [0, 0, 0, 0, 1, 0]  # table entry 0 is that of zeros


@pytest.mark.parametrize("columns", [PARAMETER_BLOCKS - 4, PARAMETER_BLOCKS + 7, 3 * PARAMETER_BLOCKS])
def test_what_is_skipped_leaves_the_parameters_that_it_would_have_loaded(columns: int) -> None:
    """The next column tiles load what they do if nothing was skipped, but for where it lies."""
    memory, first, skipped = parameters(columns), 12, columns - 20
    loads = []
    for skips in (False, True):
        planner = Planner(memory, [(0, 0)])
        planner.follow(planner.visits[0])
        planner.make(0, 1 + first)
        if skips:
            planner.skip(first + skipped)
        planner.make(1 + first + skipped * skips, 1 + columns)
        before = planner.made
        planner.make(1, 1 + columns)  # those that are still there are not loaded again
        units = listed(planner.units())[before:]
        every = [load for unit in units for load in unit.loads if load.writes.space == at.PARAMETERS]
        loads.append([load.source for load in every if hasattr(load, "source")])
    assert loads[0] == loads[1]
    assert planner.streams


def test_a_program_starts_with_what_the_one_before_left() -> None:
    conv = Convolution(batch=1, c_in=16, c_out=8, height=4, width=4, kernel=(1, 1))
    planner = Planner(placed(graph_of(node_of(conv)), MACHINE), [(0, 0)])
    planner.follow(planner.visits[0])
    kinds = []
    for _ in range(2):
        planner.make(0, len(planner.visits[0]))
        units = planner.units()
        kinds.append(sorted(set(units.loads[f.SPACE].tolist())))
        assert listed(units)[0].passes[0].command.load
        planner.start()
    assert kinds == [[at.WEIGHTS, at.ACTIVATIONS, at.PARAMETERS, at.TABLE], [at.ACTIVATIONS]]
