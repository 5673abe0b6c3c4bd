"""A network's program with its clocks: the mappings of its nodes are chosen by the timing model."""

from __future__ import annotations

import dataclasses
import gc
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from skipbeat_arch.arrays import Indices, Int64Array
from skipbeat_arch.effort import Effort
from skipbeat_arch.fold import Fold
from skipbeat_arch.graph import Graph
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import NodeRange
from skipbeat_arch.progress import part, through
from skipbeat_sim.timing.machine_timing import MachineTiming, checked_timing

from ..candidates import Candidate
from ..memory_map import MemoryMap
from ..placing.node_mapping import NodeMapping
from ..program.lowering import Lowered, lower_again
from ..rearranging.placements import Placement, placements
from ..units.network_units import turns
from .close_networks import close_networks
from .known_programs import KnownPrograms
from .stages import LIMITS, MappingSearch

#: The best of each turn is tried too if it would save so much of a network's clocks.
WORTH = 1 / 10_000


@dataclass(frozen=True, kw_only=True, eq=False)
class TimedNetwork:
    """A program before anything is packed.

    Attributes:
        fold: how the image lies in the input tensor; None if as it is.
        orders: of the channels of tensors that do not lie in their natural order.
        gaps: tensors that have channels between their own in memory.
        memory: with the chosen mappings.
        lowered: its instructions. timing: their clocks.
        found: for each node the mappings that the search left, its favourite first.
    """

    fold: Fold | None
    orders: Mapping[str, Indices]
    gaps: frozenset[str]
    memory: MemoryMap
    lowered: Lowered
    timing: MachineTiming
    found: tuple[tuple[Candidate, ...], ...] = ()

    def again(self) -> TimedNetwork | None:
        """A run right after this one, with what it leaves on the chip; None: not all of its weights stay there."""
        lowered = lower_again(self.lowered, "network")
        if lowered is None:
            return None
        timing = checked_timing(self.memory.machine, lowered.checked, address=lowered.schedule.code)
        return dataclasses.replace(self, lowered=lowered, timing=timing)

    @property
    def ends(self) -> tuple[int, ...]:
        """For each part of a node the clock with which it ends; see `part_ends`."""
        return part_ends(self.lowered.nodes, self.lowered.columns.stores, self.timing.stored, self.timing.cycles)

    def node_cycles(self) -> list[int]:
        """Clocks of each node, over all groups of images: those from the end of the part before to that of its own."""
        cycles, before = [0] * len(self.memory.graph.nodes), 0
        for number, end in zip(self.lowered.numbers, self.ends, strict=True):
            cycles[number % len(cycles)] += end - before
            before = end
        return cycles


def part_ends(parts: Sequence[NodeRange], stores: Int64Array, stored: Sequence[int], cycles: int) -> tuple[int, ...]:
    """For each part of a node the clock in which its last vector leaves the output stage; for the last part `cycles`.

    Args:
        parts: of a program. stores: the numbers of its STOREs and TURNs, int64 [stores].
        stored: for each of them the clock in which its last vector leaves; of a run that ended early fewer.
        cycles: of the run.
    """
    ends, done = [], 0
    for each in parts:
        done += int(((stores >= each.start) & (stores < each.stop)).sum())
        ends.append(stored[done - 1] if 0 < done <= len(stored) else cycles)
    return (*ends[:-1], cycles)


def time_network(
    graph: Graph,
    machine: Machine,
    images: int = 1,
    *,
    mappings: Sequence[NodeMapping] | None = None,
    effort: Effort = Effort.NORMAL,
) -> TimedNetwork:
    """The quickest program of a network; see `quickest_program`.

    Args:
        graph: the network.
        machine: the hardware.
        images: of a run.
        mappings: of every node, if they are not to be searched.
        effort: of the search.

    Raises:
        InputError: a node that does not fit the hardware.
    """
    found = placements(graph, machine, images, mappings)
    return quickest_program(found, None if mappings is not None else MappingSearch(effort))


def quickest_program(
    found: Sequence[Placement], search: MappingSearch | None, name: str = "network", known: KnownPrograms | None = None
) -> TimedNetwork:
    """The quickest program of those tried: of all placements that are close, and of the best one with other mappings.

    Plain mappings are tried first, then those that the search likes best, and a mixture. A search of little effort gets
    the one program that it asks for, and one of much effort also what its `before` finds.

    Args:
        found: placements of one network.
        search: may know nodes from before; None to leave the mappings as they are.
        name: for messages.
        known: programs of the network from before; None: there are none.

    Raises:
        InputError: more memory is needed than addresses reach, or the weight buffer is too small.
    """
    known = known or KnownPrograms()
    if search is not None and search.before is not None:
        return min(
            quickest_program(found, search.before, name, known), _program(found, search, name, known), key=_cycles
        )
    return _program(found, search, name, known)


def _program(found: Sequence[Placement], search: MappingSearch | None, name: str, known: KnownPrograms) -> TimedNetwork:
    timed = partial(_timed, name=name, known=known)
    effort = Effort.NORMAL if search is None else search.effort
    with no_collection():
        close = list(itertools.compress(found, close_networks([each.memory for each in found], LIMITS[effort])))
        if search is None:
            return min(map(timed, through(close)), key=_cycles)
        if effort is Effort.QUICK:
            nodes, wanted = _searched(search, close[0].memory, known)
            return dataclasses.replace(timed(_mapped(close[0], wanted, known)), found=nodes)
        if len(close) == 1 and _is_single(close[0].memory):
            return _of_one_node(close[0], search, timed, known)
        with part(len(close) / (len(close) + 3)):  # the search takes as long as a program, and two more may follow
            tried = [(timed(each), each) for each in through(close)]
        plain, placement = min(tried, key=lambda each: _cycles(each[0]))
        with part(1 / 3):
            nodes, wanted = _searched(search, plain.memory, known)
        mapped = partial(_mapped, placement, known=known)
        chosen = plain if wanted == _mappings(plain.memory) else timed(mapped(wanted))
        return dataclasses.replace(_quickest(plain, chosen, lambda mixed: timed(mapped(mixed))), found=nodes)


def _is_single(memory: MemoryMap) -> bool:
    return len(memory.groups) == len(memory.graph.nodes) == 1


def _of_one_node(
    plain: Placement, search: MappingSearch, timed: Callable[[Placement], TimedNetwork], known: KnownPrograms
) -> TimedNetwork:
    """The quicker of two programs; the plain one is not made if the other one takes less than it could."""
    memory = plain.memory
    nodes, wanted = _searched(search, memory, known)
    tried = []
    if wanted != _mappings(memory):
        with part(1 / 2):
            tried.append(timed(_mapped(plain, wanted, known)))
    least = Candidate(memory, (0,), 0, memory.groups[0].nodes[0]).least
    if not tried or least <= _cycles(tried[0]):
        tried.insert(0, timed(plain))
    return dataclasses.replace(min(tried, key=_cycles), found=nodes)


def _timed(placement: Placement, name: str, known: KnownPrograms) -> TimedNetwork:
    memory = placement.memory
    nodes = memory.graph.nodes
    with part(1.0, f"{len(nodes)} nodes" if len(nodes) > 1 else nodes[0].layer.name):
        lowered, timing = known.timed(memory, name)
    return TimedNetwork(
        fold=placement.fold, orders=placement.orders, gaps=placement.gaps, memory=memory, lowered=lowered, timing=timing
    )


def _searched(
    search: MappingSearch, memory: MemoryMap, known: KnownPrograms
) -> tuple[tuple[tuple[Candidate, ...], ...], Sequence[NodeMapping]]:
    """What is found for each node, and the mappings that are liked best."""
    nodes = tuple(tuple(each) for each in search.network(memory, known))
    return nodes, [each[0].placed.mapping for each in nodes]


def _mapped(placement: Placement, wanted: Sequence[NodeMapping], known: KnownPrograms) -> Placement:
    """The same network with other mappings."""
    return dataclasses.replace(placement, memory=known.mapped(placement.memory, wanted))


def _cycles(network: TimedNetwork) -> int:
    return network.timing.cycles


def _quickest(
    plain: TimedNetwork, chosen: TimedNetwork, timed: Callable[[Sequence[NodeMapping]], TimedNetwork]
) -> TimedNetwork:
    """The plain program, or a quicker one with the chosen mappings of all or of some nodes."""
    if chosen is plain:
        return plain
    before, mixed, saved = _mappings(plain.memory), _mappings(chosen.memory), 0
    plain_cycles, chosen_cycles = plain.node_cycles(), chosen.node_cycles()
    for turn in turns(plain.memory.groups[0]):
        worse = sum(chosen_cycles[number] - plain_cycles[number] for number in turn)
        if worse > 0:
            saved += worse
            for number in turn:
                mixed[number] = before[number]
    tried = [plain, chosen]
    if saved > WORTH * plain.timing.cycles and mixed != before:
        tried.append(timed(mixed))
    return min(tried, key=_cycles)


def _mappings(memory: MemoryMap) -> list[NodeMapping]:
    return [placed.mapping for placed in memory.groups[0].nodes]


@contextmanager
def no_collection() -> Iterator[None]:
    """Without garbage collection: many small objects live until a program is timed, beside all that is imported."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
