"""The plan of a network: nodes in their order, and of two that overlap each block after the lines that it needs."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from skipbeat_arch.engines import Kind
from skipbeat_arch.graph import Node
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_mapper.memory_map import MemoryMap
from skipbeat_mapper.units.network_units import plan, turns
from skipbeat_mapper.units.units import Space
from tests.mapper.listed import Load, Range, Unit, listed, visited
from tests.mapper.networks import Builder, random_graph
from tests.mapper.placed import placed
from tests.mapper.random_nodes import needed_pixels


def overlapping(*, thin: bool = False) -> MemoryMap:
    """Two chained nodes of several blocks each; `thin`: the second reads every fourth line of the first."""
    builder = Builder((16, 16, 16), np.random.default_rng(6))
    builder.convolution(8, (3, 3), padding=(1, 1))
    if thin:
        builder.convolution(16, (1, 1), stride=(4, 4))
    else:
        builder.convolution(16, (3, 3), padding=(1, 1))
    depth = 16 if thin else 64
    memory = placed(builder.graph(), Machine.of(load_hardware("edge-8x8", [f"accumulators.depth={depth}"])))
    assert memory.groups[0].nodes[0].overlaps
    return memory


def passes(units: list[Unit]) -> int:
    return sum(len(unit.passes) for unit in units)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("images", [1, 4])
def test_every_node_of_every_group_runs_whole_and_in_order(seed: int, images: int) -> None:
    machine = Machine.of(load_hardware("edge-8x8", ["activations.buffer_kib=16"]))
    memory = placed(random_graph(np.random.default_rng(seed)), machine, images)
    units, count = listed(plan(memory)), len(memory.graph.nodes)
    together = turns(memory.groups[0])
    assert [number for turn in together for number in turn] == list(range(count))
    turn_of = {number: at for at, turn in enumerate(together) for number in turn}
    order = [(unit.node // count, turn_of[unit.node % count]) for unit in units]
    assert order == sorted(order)
    assert {unit.node for unit in units} == set(range(count * len(memory.groups)))
    for number in range(len(memory.groups)):
        for node in range(count):
            alone = [u for u in units if u.node == number * count + node]
            assert passes(alone) == single(memory, number, node)


def single(memory: MemoryMap, group: int, node: int) -> int:
    """Passes of a node that is planned alone."""
    alone = dataclasses.replace(memory, groups=(memory.groups[group],))
    return sum(passes(visit.units) for visit in visited(alone, number=node))


def test_the_table_s_entry_of_zeros_comes_first_and_once() -> None:
    units = listed(plan(overlapping()))
    zeros = Range(Space.TABLE, 0, 1)
    loads = [load for unit in units for load in unit.loads if load.writes.meets(zeros)]
    assert loads == [units[0].loads[0]]
    assert isinstance(loads[0], Load)
    assert (loads[0].kind, loads[0].source) == (Kind.TABLE, 0)


def test_a_block_of_the_second_node_comes_when_its_lines_are_under_way() -> None:
    memory = overlapping()
    units = listed(plan(memory))
    numbers = [unit.node for unit in units]
    assert numbers != sorted(numbers), "blocks take turns"
    chain = memory.groups[0].nodes[0].output
    assert chain is not None
    written: set[int] = set()
    for unit in units:
        if unit.node == 0 and unit.store is not None and unit.store.local is not None:
            place = unit.store.local
            written |= {place.to + n // place.width * place.pitch + n % place.width for n in range(unit.store.count)}
        if unit.node == 1:
            reads = [r for op in unit.passes for r in op.reads if r.space == Space.ACTIVATIONS]
            real = {entry for r in reads for entry in range(r.start, r.stop)} & lines(memory)
            assert real <= written


@pytest.mark.parametrize("thin", [False, True])
def test_a_block_of_the_second_node_comes_behind_one_more_than_it_needs(thin: bool) -> None:
    memory = overlapping(thin=thin)
    first, second = (list(visited(memory, number=number)) for number in (0, 1))
    node, order, done = memory.graph.nodes[1], list[int](), 0
    for visit in second:
        lines = max(
            row
            for output in itertools.product(range(*visit.rows), range(*visit.columns))
            for row, _ in real_pixels(node, output)
        )
        needed = max(n for n, each in enumerate(first) if each.rows[0] <= lines)  # all that write its lines
        until = max(done, min(needed + 2, len(first)))
        order += [0] * sum(len(each.units) for each in first[done:until])
        done = until
        order += [1] * len(visit.units)
    assert (done < len(first)) == thin
    order += [0] * sum(len(each.units) for each in first[done:])
    assert [unit.node for unit in listed(plan(memory))] == order


def real_pixels(node: Node, output: tuple[int, int]) -> list[tuple[int, int]]:
    """Rows and columns of the map that an output reads."""
    conv = node.convolution
    every = ((row - conv.padding[0], column - conv.padding[1]) for row, column in needed_pixels(node, *output))
    return [pixel for pixel in every if 0 <= pixel[0] < conv.height and 0 <= pixel[1] < conv.width]


def lines(memory: MemoryMap) -> set[int]:
    """Entries of the chained map's pixels."""
    chain = memory.groups[0].nodes[0].output
    assert chain is not None
    region, conv = chain.region, memory.graph.nodes[1].convolution
    first, last = region.real_lines(conv)
    starts = (chain.base + line * region.pitch + region.lead for line in range(first, last))
    return {start + at for start in starts for at in range(region.real)}


def test_one_turn_alone() -> None:
    memory = overlapping()
    assert [unit.node for unit in listed(plan(memory, (0, 1)))] == [unit.node for unit in listed(plan(memory))]
    with_one = listed(plan(memory, (1,)))
    assert {unit.node for unit in with_one} == {1}
