"""Runs of passes: one by one they are what their columns say, for whole networks and for single tiles."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from skipbeat_arch.command import Command
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_mapper.memory_map import memory_map
from skipbeat_mapper.program.unit_columns import unit_columns
from skipbeat_mapper.units.network_units import plan
from skipbeat_mapper.units.pass_runs import PassRun, PassTable, pass_table, walked_from
from skipbeat_mapper.units.unit import PassOp, Range, Space, Unit
from tests.mapper.networks import Builder, random_graph
from tests.mapper.random_hardware import random_hardware

MACHINE = Machine.of(load_hardware("edge-8x8", ["activations.buffer_kib=8", "weights.buffer_kib=4"]))


def units_of(seed: int, machine: Machine = MACHINE) -> list[Unit]:
    return list(plan(memory_map(random_graph(np.random.default_rng(seed), side=12, channels=48), machine)))


def listed(units: list[Unit]) -> list[Unit]:
    """The same units with their passes one by one."""
    return [dataclasses.replace(unit, passes=tuple(unit.passes)) for unit in units]


def same(first: PassTable, second: PassTable) -> bool:
    """Whether every pass has the same command, tile, words and ranges; numbers may differ."""
    made = ([each.commands[number] for number in each.command.tolist()] for each in (first, second))
    tiles = ([id(each.tiles[number]) for number in each.tile.tolist()] for each in (first, second))
    arrays = ((each.words.tolist(), each.ranges.tolist()) for each in (first, second))
    return all(a == b for a, b in (made, tiles, arrays))


@pytest.mark.parametrize("seed", range(10))
def test_columns_of_runs_are_those_of_their_passes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    units = units_of(seed, Machine.of(random_hardware(rng)) if seed % 2 else MACHINE)
    assert any(isinstance(unit.passes, PassRun) for unit in units)
    (runs, objects), (single, other) = (unit_columns(each, 2) for each in (units, listed(units)))
    assert all(np.array_equal(runs[number], single[number]) for number in runs)
    assert same(objects.table, other.table)
    assert objects.passes == other.passes


@pytest.mark.parametrize(
    "change",
    [
        lambda run: dataclasses.replace(run, start=run.start + 1),
        lambda run: dataclasses.replace(run, pixels=run.pixels + 1),
        lambda run: dataclasses.replace(run, reach=run.reach + 1),
        lambda run: dataclasses.replace(run, load=not run.load),
        lambda run: dataclasses.replace(run, first=not run.first),
        lambda run: dataclasses.replace(run, last=not run.last),
        lambda run: dataclasses.replace(run, tiles=[each._replace(at=each.at + 1) for each in run.tiles], load=True),
    ],
)
def test_a_run_that_differs_is_found(change: Callable[[PassRun], PassRun]) -> None:
    every = [unit.passes for unit in units_of(0)]
    number, run = next((number, each) for number, each in enumerate(every) if isinstance(each, PassRun))
    wrong = [*every[:number], change(run), *every[number + 1 :]]
    assert same(pass_table(every), pass_table([list(each) for each in every]))
    assert not same(pass_table(wrong), pass_table([list(each) for each in every]))


def test_a_run_is_a_sequence() -> None:
    run = next(unit.passes for unit in units_of(0) if len(unit.passes) > 2)
    assert isinstance(run, PassRun)
    every = list(run)
    assert (run[-1], run[1:], run[:0]) == (every[-1], every[1:], [])
    bases = [op.base for op in (*every, *every)]
    assert walked_from([run, run]) == (min(bases), max(bases))
    with pytest.raises(IndexError):
        run[len(run)]


def test_a_null_pass_reads_nothing_between_runs() -> None:
    builder = Builder((8, 6, 6), np.random.default_rng(0))
    builder.convolution(24, (1, 1), density=0.0)
    null, *_ = (unit.passes for unit in plan(memory_map(builder.graph(), MACHINE)))
    assert [op.command.beat for op in null] == [0]
    run = next(unit.passes for unit in units_of(0))
    table = pass_table([run, null, run])
    assert table.ranges[:, len(run)].tolist() == [-1] * 6
    assert same(table, pass_table([list(run), list(null), list(run)]))


def test_passes_that_are_given_one_by_one() -> None:
    command = Command(pixels=3, beat=2, rows=1, cols=1, load=False)
    reads = Range(Space.TABLE, 4, 5), Range(Space.ACTIVATIONS, 7, 9)
    table = pass_table([[PassOp(command, reads=reads)], []])
    assert (table.commands, table.tiles, table.tile.size) == ([command], [], 0)
    assert table.ranges[:, 0].tolist() == [7, 9, 4, 5, -1, -1]
