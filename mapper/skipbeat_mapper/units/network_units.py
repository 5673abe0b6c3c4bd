"""Makes the units of a network: for every node its units in order, with everything in its place on the chip.

`visits` says in which order blocks come; a region's activations are loaded when it is first visited. Every on-chip
memory is a ring: what comes next is placed behind what came last, so that it can be loaded while the last is in use.
Weights of a node are loaded once if all of them fit the weight buffer, once per region and column tile if these fit
half of it, and otherwise in parts for every block.

Nodes run one after the other, but for two that are chained and leave each other's data alone: there blocks of the
second come between those of the first as soon as their input is there, so that the output stage, where the first needs
it for longer than the array, and the way from the last block to the first of the next node cost nothing.
"""

from __future__ import annotations

import bisect
import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from functools import partial

from skipbeat_arch.progress import through

from ..memory_map import Group, MemoryMap
from .activation_loads import table_load
from .node_units import NodeUnits
from .on_chip import OnChip
from .repetition import Repetition, UnitCut, repeats_may_pay
from .unit import Unit


def plan(memory: MemoryMap, nodes: Sequence[int] | None = None) -> Iterator[Unit]:
    """All units of a network in program order; their nodes are counted on from group to group of images.

    Args:
        memory: with all nodes in their places.
        nodes: only these of the first group of images, one of `turns`.
    """
    return _units(OnChip(memory.machine), memory, nodes)


def plan_short(memory: MemoryMap, nodes: Sequence[int] | None = None) -> tuple[tuple[Unit, ...], tuple[UnitCut, ...]]:
    """The units of a network without most of those that are alike, and where some are left out.

    Args:
        memory, nodes: as of `plan`.
    """
    group, numbers = memory.groups[0], tuple(range(len(memory.graph.nodes)) if nodes is None else nodes)
    if len(numbers) > 1 or (nodes is None and len(memory.groups) > 1) or not repeats_may_pay(group.nodes[numbers[0]]):
        return tuple(plan(memory, nodes)), ()
    chip = OnChip(memory.machine)
    node = Repetition(NodeUnits(chip, memory, group, numbers[0], 0), memory.machine)
    return tuple(_with_zeros(node.units(), chip, memory)), tuple(node.cuts)


def plan_again(memory: MemoryMap) -> Iterator[Unit]:
    """The units of a run right after the one of `plan`: what that left on the chip is not loaded."""
    chip = OnChip(memory.machine)
    for _ in _units(chip, memory, None):
        pass
    chip.start()
    return _units(chip, memory, None)


def _units(chip: OnChip, memory: MemoryMap, nodes: Sequence[int] | None) -> Iterator[Unit]:
    return _with_zeros(_every(chip, memory, nodes), chip, memory)


def _with_zeros(units: Iterator[Unit], chip: OnChip, memory: MemoryMap) -> Iterator[Unit]:
    """Units, of which the first loads the table entry of zeros unless it is there."""
    zeros = [] if chip.zeros else [table_load(memory.machine, 0, 0, 1)]
    chip.zeros = True
    for unit in units:
        yield dataclasses.replace(unit, loads=(zeros.pop(), *unit.loads)) if zeros else unit


def _every(chip: OnChip, memory: MemoryMap, nodes: Sequence[int] | None) -> Iterator[Unit]:
    for turn, group in enumerate(memory.groups[: None if nodes is None else 1]):
        in_turn = [tuple(nodes)] if nodes is not None else turns(group)
        for together in through(in_turn, partial(_first_name, group)):
            yield from _turn(chip, memory, group, together, turn * len(group.nodes))


def _first_name(group: Group, numbers: Sequence[int]) -> str:
    return group.nodes[numbers[0]].node.layer.name


def turns(group: Group) -> list[tuple[int, ...]]:
    """The nodes of a group in order; two that run at the same time are together."""
    found: list[tuple[int, ...]] = []
    number = 0
    while number < len(group.nodes):
        both = group.nodes[number].overlaps
        found.append((number, number + 1) if both else (number,))
        number += 1 + both
    return found


def _turn(chip: OnChip, memory: MemoryMap, group: Group, nodes: Sequence[int], before: int) -> Iterator[Unit]:
    first, *second = (NodeUnits(chip, memory, group, number, before) for number in nodes)
    if second:
        yield from _overlapped(first, second[0])
        return
    for visit in first.visits:
        yield from first.units(visit)


def _overlapped(first: NodeUnits, second: NodeUnits) -> Iterator[Unit]:
    """Two nodes, of which the second reads what the first writes.

    A visit of the second comes when its input and one more visit of the first are under way.
    """
    done, written = 0, _written(first)
    for visit in second.visits:
        wanted = bisect.bisect_left(written, second.lines(visit))
        while done < min(wanted + 1, len(first.visits)):
            yield from first.units(first.visits[done])
            done += 1
        yield from second.units(visit)
    for visit in first.visits[done:]:
        yield from first.units(visit)


def _written(node: NodeUnits) -> list[int]:
    """Lines of the output's map that are complete after 0, 1, .. visits; they never become fewer."""
    later = (visit.rows[0] for visit in reversed(node.visits))
    return list(itertools.accumulate(later, min, initial=node.height))[::-1]
