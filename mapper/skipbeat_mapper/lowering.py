"""From a memory map to instructions by way of its schedule; nothing is packed for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from skipbeat_arch.instruction import Instruction
from skipbeat_arch.machine_program import NodeRange
from skipbeat_sim.timing.columns import Columns

from .emission import emit, emit_columns
from .limits import check
from .memory_map import MemoryMap
from .schedule import Part, Schedule


@dataclass(frozen=True, kw_only=True, eq=False)
class Lowered:
    """A program without its data.

    Attributes:
        schedule: what it was made of.
        columns: its instructions as the timing model reads them.
        nodes: parts of nodes in program order; numbers: of their nodes, counted on from group to group of images.
    """

    schedule: Schedule
    columns: Columns
    nodes: tuple[NodeRange, ...]
    numbers: tuple[int, ...]

    @property
    def latencies(self) -> range:
        """Of the memory, for which the program is the same."""
        return self.schedule.ordered.latencies

    def on(self, memory: MemoryMap) -> Lowered:
        """The same on a machine whose memory has another one of the `latencies`.

        Args:
            memory: the same memory map on that machine.
        """
        return dataclasses.replace(self, schedule=dataclasses.replace(self.schedule, memory=memory))

    @cached_property
    def instructions(self) -> list[Instruction]:
        """The program, made when it is asked for."""
        return emit(self.schedule)


def lower(memory: MemoryMap, name: str, nodes: Sequence[int] | None = None) -> Lowered:
    """The instructions of a memory map.

    Args:
        memory: with all nodes in their places.
        name: for messages.
        nodes: only these of the first group of images, one of `turns`; what they read on the chip is there.

    Raises:
        InputError: it does not fit the hardware, see `limits.check`.
    """
    from .sequencing import schedule_of  # only now: whoever asks for a kept price needs no compiler

    return _lowered(schedule_of(memory, nodes), name)


def lower_short(memory: MemoryMap, name: str, nodes: Sequence[int] | None = None) -> Lowered:
    """The same without most of what comes several times, where it may be left out: only its clocks can be found.

    Raises:
        InputError: as `lower` does.
    """
    from .sequencing import short_schedule

    schedule = short_schedule(memory, nodes)
    return lower(memory, name, nodes) if schedule is None else _lowered(schedule, name)


def lower_again(first: Lowered, name: str) -> Lowered | None:
    """The instructions of a run right after another one; None: that leaves not all of its weights on the chip.

    Raises:
        InputError: they do not fit the hardware.
    """
    from .sequencing import schedule_again

    schedule = schedule_again(first.schedule)
    return None if schedule is None else _lowered(schedule, name)


def _lowered(schedule: Schedule, name: str) -> Lowered:
    check(schedule, name)
    return Lowered(
        schedule=schedule,
        columns=emit_columns(schedule),
        nodes=tuple(_range(schedule, part) for part in schedule.parts),
        numbers=tuple(part.node for part in schedule.parts),
    )


def _range(schedule: Schedule, part: Part) -> NodeRange:
    """A part of a node; loads outside of it are named with the node's first part."""
    parts = [each for each in schedule.parts if each.node == part.node]
    early: tuple[int, ...] = ()
    if parts[0] is part:
        loads = np.array(schedule.loads.get(part.node, ()), np.int64)
        inside = [(each.start <= loads) & (loads < each.stop) for each in parts]
        early = tuple(loads[~np.any(inside, axis=0)].tolist())
    return NodeRange(name=schedule.name(part.node), start=part.start, stop=part.stop, early=early)
