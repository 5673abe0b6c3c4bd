"""Passes: each finds its tile's words in the buffer, whatever that has room for, and says what it is."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.command import Command
from skipbeat_arch.engines import Kind
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.workload import Convolution
from skipbeat_mapper.memory_map import MemoryMap, memory_map
from skipbeat_mapper.order import places as at
from skipbeat_mapper.units.making import fields as f
from skipbeat_mapper.units.making.node_units import PART_WORDS
from skipbeat_mapper.units.network_units import plan
from skipbeat_mapper.units.units import Space
from tests.mapper.listed import Load, PassOp, Range, Unit, listed, visited
from tests.mapper.networks import Builder, random_graph
from tests.mapper.placed import graph_of, placed
from tests.mapper.random_hardware import random_hardware
from tests.mapper.random_nodes import node_of


def prepared(kib: int) -> MemoryMap:
    """A node of three column tiles with 20 tiles each, for a buffer of so many KiB."""
    machine = Machine.of(load_hardware("edge-8x8", [f"weights.buffer_kib={kib}"]))
    conv = Convolution(batch=1, c_in=64, c_out=24, height=6, width=6, kernel=(3, 3), padding=(1, 1))
    return placed(graph_of(node_of(conv)), machine)


def weights(unit: Unit) -> list[Load]:
    """The loads of weights of a unit."""
    return [each for each in unit.loads if isinstance(each, Load) and each.kind == Kind.WEIGHTS]


#: Buffers for all weights, for a column tile at a time (twice), and for less than that.
ALL, COLUMN, PARTS = 32, 12, 4


@pytest.mark.parametrize(("kib", "loads_of_a_tile"), [(ALL, 1), (COLUMN, 2), (PARTS, 4)])
def test_every_pass_finds_its_tile(kib: int, loads_of_a_tile: int) -> None:
    memory = prepared(kib)
    node, buffer = memory.groups[0].nodes[0], [-1] * memory.machine.weight_depth
    loaded, resident = dict.fromkeys(range(node.tiles.words), 0), -1
    for visit in visited(memory, [0, 0, 1, 1, 2, 2] * 2):
        seen: list[int] = []
        for unit in visit.units:
            for load in weights(unit):
                assert load.writes == Range(Space.WEIGHTS, load.to, load.to + load.count)
                for word in range(load.count):
                    buffer[load.to + word] = load.source - node.weights_at + word
                    loaded[load.source - node.weights_at + word] += 1
            for op in unit.passes:
                if op.command.load:
                    resident = buffer[op.weights]
                    assert buffer[op.weights : op.weights + op.words] == list(range(resident, resident + op.words))
                seen.append(resident - node.tiles.at[visit.column])
        assert sorted(seen) == [tile.at for tile in node.tiles.columns[visit.column]]
    assert set(loaded.values()) == {loads_of_a_tile}


@pytest.mark.parametrize("kib", [ALL, COLUMN])
def test_every_other_visit_goes_backwards_while_weights_stay(kib: int) -> None:
    memory = prepared(kib)
    visits, count = list(visited(memory, [1, 1, 1])), len(memory.groups[0].nodes[0].tiles.columns[1])
    passes = [[op for unit in visit.units for op in unit.passes] for visit in visits]
    forwards = [op.weights for op in passes[0]]
    assert [op.weights for op in passes[1]][1:] == forwards[::-1][1:]
    assert [op.weights for op in passes[2]][1:] == forwards[1:]
    for own in passes:
        assert [op.command.load for op in own] == [own is passes[0]] + [True] * (
            count - 1
        )  # the last one is still there
        assert [op.command.first for op in own] == [True] + [False] * (count - 1)
        assert [op.command.last for op in own] == [False] * (count - 1) + [True]


def test_the_first_pass_waits_for_one_tile() -> None:
    (visit,) = visited(prepared(ALL), [0])
    assert len(visit.units[0].passes) == 1
    assert all(len(weights(unit)) == 1 and weights(unit)[0].count <= PART_WORDS for unit in visit.units)


def test_loads_are_as_long_as_they_may_be() -> None:
    memory = prepared(ALL)
    tiles = [tile.words for tile in memory.groups[0].nodes[0].tiles.columns[0]]
    (visit,) = visited(memory, [0])
    _, *others = [weights(unit)[0].count for unit in visit.units]
    for size, unit, after in zip(others, visit.units[1:], visit.units[2:], strict=False):
        assert size == sum(op.words for op in unit.passes)
        assert size + after.passes[0].words > PART_WORDS
    assert sum(others) == sum(tiles[1:])


def test_a_null_pass_reads_nothing() -> None:
    builder = Builder((8, 6, 6), np.random.default_rng(0))
    builder.convolution(24, (1, 1), density=0.0)
    machine = Machine.of(load_hardware("edge-8x8"))
    units = listed(plan(memory_map(builder.graph(), machine)))
    null = PassOp(command=Command(pixels=36, beat=0, rows=0, cols=8, load=False))
    assert [list(unit.passes) for unit in units] == [[null]] * 3


@pytest.mark.parametrize("seed", range(10))
def test_equal_commands_are_made_once_and_units_are_busy_with_what_they_read(seed: int) -> None:
    rng = np.random.default_rng(seed)
    machine = Machine.of(random_hardware(rng))
    made = plan(memory_map(random_graph(rng, side=12, channels=48), machine))
    numbers = made.passes[f.COMMAND]
    assert set(numbers.tolist()) == set(range(len(made.commands)))
    columns = {number: each.tolist() for number, each in made.columns.items()}
    for number, unit in enumerate(listed(made)):
        lines = slice(at.BUSY * number, at.BUSY * (number + 1))
        busy = zip(at.BUSY_SPACES, columns[at.BUSY_START][lines], columns[at.BUSY_STOP][lines], strict=True)
        assert {Range(Space(space), *span) for space, *span in busy if span[0] >= 0} == set(unit.busy)
        for place, op in enumerate(unit.passes, columns[at.FIRST_PASS][number]):
            steps = [columns[each][place] for each in (at.STEPS, at.FED, at.SUMS)]
            pixels, command = op.command.pixels, op.command
            assert steps == [op.steps, pixels * (command.beat > 0), pixels * command.last]
            assert (op.tile is not None) == command.load
            if op.tile is not None:
                assert command == op.tile.command(pixels, first=command.first, last=command.last)
