"""From a memory map to instructions by way of its schedule; nothing is packed for it."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from skipbeat_arch.instruction import Instruction
from skipbeat_arch.machine_program import NodeRange
from skipbeat_sim.timing.columns import Columns
from skipbeat_sim.timing.machine_timing import CheckedProgram

from ..memory_map import MemoryMap
from .emission import emit, emit_columns
from .limits import check
from .schedule import Schedule


@dataclass(frozen=True, kw_only=True, eq=False)
class Lowered:
    """A program without its data.

    Attributes:
        memory: where everything lies.
        make: its schedule, from the memory map.
        columns: its instructions as the timing model reads them.
        nodes: parts of nodes in program order; numbers: of their nodes, counted on from group to group of images.
        latencies: of the memory, for which the program is the same.
    """

    memory: MemoryMap
    make: Callable[[MemoryMap], Schedule | None]
    columns: Columns
    nodes: tuple[NodeRange, ...]
    numbers: tuple[int, ...]
    latencies: range

    @cached_property
    def schedule(self) -> Schedule:
        """What the program was made of, with all its units; made again where it was not kept."""
        found = self.make(self.memory)
        assert found is not None
        return found

    @cached_property
    def checked(self) -> CheckedProgram:
        """The program as it is timed, made when it is asked for.

        Raises:
            InputError: the machine would answer it with an error.
        """
        return CheckedProgram.of(self.memory.machine, self.columns)

    def on(self, memory: MemoryMap) -> Lowered:
        """The same without its schedule, on a machine whose memory has any of the `latencies`.

        Args:
            memory: the same memory map on that machine.
        """
        other = dataclasses.replace(self, memory=memory)
        vars(other)["checked"] = self.checked
        return other

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

    make = partial(schedule_of, nodes=nodes)
    return _lowered(make(memory), make, name)


def lower_short(memory: MemoryMap, name: str, nodes: Sequence[int] | None = None) -> Lowered:
    """The same without most of what comes several times, where it may be left out: only its clocks can be found.

    Raises:
        InputError: as `lower` does.
    """
    from .sequencing import short_schedule

    make = partial(short_schedule, nodes=nodes)
    schedule = make(memory)
    return lower(memory, name, nodes) if schedule is None else _lowered(schedule, make, name)


def lower_again(first: Lowered, name: str) -> Lowered | None:
    """The instructions of a run right after another one; None: that leaves not all of its weights on the chip.

    Raises:
        InputError: they do not fit the hardware.
    """
    from .sequencing import schedule_again

    schedule = schedule_again(first.schedule)
    return None if schedule is None else _lowered(schedule, lambda _: schedule_again(first.schedule), name)


def _lowered(schedule: Schedule, make: Callable[[MemoryMap], Schedule | None], name: str) -> Lowered:
    check(schedule, name)
    made = Lowered(
        memory=schedule.memory,
        make=make,
        columns=emit_columns(schedule),
        nodes=tuple(_ranges(schedule)),
        numbers=tuple(part.node for part in schedule.parts),
        latencies=schedule.ordered.latencies,
    )
    vars(made)["schedule"] = schedule
    return made


def _ranges(schedule: Schedule) -> Iterator[NodeRange]:
    """The parts of nodes; loads outside of those of their node are named with its first part."""
    parts, owner = np.array(schedule.parts, np.int64).reshape(-1, 3), schedule.ordered.owner
    loads = np.flatnonzero(owner >= 0)
    within = np.maximum(np.searchsorted(parts[:, 1], loads, side="right") - 1, 0)
    outside = (parts[within, 0] != owner[loads]) | (loads < parts[within, 1]) | (loads >= parts[within, 2])
    early = defaultdict[int, list[int]](list)
    for load in loads[outside].tolist():
        early[int(owner[load])].append(load)
    for node, start, stop in parts.tolist():
        yield NodeRange(name=schedule.name(node), start=start, stop=stop, early=tuple(early.pop(node, ())))
