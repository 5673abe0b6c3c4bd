"""Makes the units of a network: for every node its units in order, with everything in its place on the chip.

A node's visits say in which order its blocks come; a region's activations are loaded when it is first visited. Every
on-chip memory is a ring: what comes next is placed behind what came last, so that it can be loaded while the last is in
use. Weights of a node are loaded once if all of them fit the weight buffer, once per region and column tile if these
fit half of it, and otherwise in parts for every block.

Nodes run one after the other, but for two that are chained and leave each other's data alone: there blocks of the
second come between those of the first as soon as their input is there, so that the output stage, where the first needs
it for longer than the array, and the way from the last block to the first of the next node cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

import numpy as np

from skipbeat_arch.arrays import Int64Array

from ..memory_map import Group, MemoryMap
from .planner import Planner
from .repetition import Repetition, UnitCut, repeats_may_pay
from .units import Units


def plan(memory: MemoryMap, nodes: Sequence[int] | None = None) -> Units:
    """All units of a network in program order; their nodes are counted on from group to group of images.

    Args:
        memory: with all nodes in their places.
        nodes: only these of the first group of images, one of `turns`.
    """
    return _planned(memory, nodes).units()


def plan_short(memory: MemoryMap, nodes: Sequence[int] | None = None) -> tuple[Units, tuple[UnitCut, ...]]:
    """The units of a network without most of those that are alike, and where some are left out.

    Args:
        memory, nodes: as of `plan`.
    """
    group, numbers = memory.groups[0], tuple(range(len(memory.graph.nodes)) if nodes is None else nodes)
    if len(numbers) > 1 or (nodes is None and len(memory.groups) > 1) or not repeats_may_pay(group.nodes[numbers[0]]):
        return plan(memory, nodes), ()
    planner = Planner(memory, [(0, numbers[0])])
    node = Repetition(planner, memory)
    node.make()
    return planner.units(), tuple(node.cuts)


def plan_again(memory: MemoryMap) -> Units:
    """The units of a run right after the one of `plan`: what that left on the chip is not loaded."""
    planner = _planned(memory, None)
    planner.start()
    planner.make(0, len(planner.arrays.visits))
    return planner.units()


def _planned(memory: MemoryMap, nodes: Sequence[int] | None) -> Planner:
    together = list(_together(memory, nodes))
    planner = Planner(memory, [each for turn in together for each in turn])
    begins = accumulate(map(len, together), initial=0)
    visits = np.concatenate([_visits(planner, first, len(turn)) for first, turn in zip(begins, together, strict=False)])
    planner.follow(visits)
    planner.make(0, len(visits))
    return planner


def _together(memory: MemoryMap, nodes: Sequence[int] | None) -> Iterator[list[tuple[int, int]]]:
    """The group and the number of all nodes, in the order of their turns."""
    for number, group in enumerate(memory.groups[: None if nodes is None else 1]):
        for turn in turns(group) if nodes is None else [tuple(nodes)]:
            yield [(number, each) for each in turn]


def turns(group: Group) -> list[tuple[int, ...]]:
    """The nodes of a group in order; two that run at the same time are together."""
    found: list[tuple[int, ...]] = []
    number = 0
    while number < len(group.nodes):
        both = group.nodes[number].overlaps
        found.append((number, number + 1) if both else (number,))
        number += 1 + both
    return found


def _visits(planner: Planner, first: int, count: int) -> Int64Array:
    """The visits of a node, or of two of which the second reads what the first writes.

    A visit of the second comes when its input and one more visit of the first are under way.
    """
    visits = planner.visits[first]
    if count == 1:
        return visits
    second, (one, other) = planner.visits[first + 1], planner.nodes[first : first + 2]
    first_rows, needed = one.rows[one.visits[:, 1], 0], other.rows[other.visits[:, 1], 1]
    # lines of the output's map that are complete after 0, 1, .. visits; they never become fewer
    written = np.minimum.accumulate(first_rows[::-1])[::-1]
    behind = np.maximum.accumulate(np.minimum(np.searchsorted(written, needed) + 1, written.size))
    return np.concatenate([visits[:1], second[:1], np.insert(visits[1:], behind, second[1:], axis=0)])
