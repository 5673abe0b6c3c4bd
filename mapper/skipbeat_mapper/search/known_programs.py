"""Programs that were made before, for a machine whose memory may have had another latency.

Where things lie does not depend on the latency. Of the order of instructions a single choice does, and an order says
for which latencies it is the same (`order.unit_order.in_time`). Whatever is handed out again has the machine that is
asked for, and its clocks have to be found anew.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Sequence

from skipbeat_sim.timing.columns import NotAlikeError
from skipbeat_sim.timing.machine_timing import MachineTiming, checked_timing

from ..candidates import Candidate
from ..memory_map import MemoryMap, memory_map
from ..placing.node_mapping import NodeMapping
from ..program.lowering import Lowered, lower, lower_short


class KnownPrograms:
    """Those of one network. All of its places stay the same objects, and are known by that.

    Args:
        most: no program is kept once so many operations are; with 0, nothing is.
        short: whether only clocks and counts are asked for, so that what comes several times may be left out.

    Attributes:
        operations: that are kept.
    """

    def __init__(self, most: int = 0, *, short: bool = False) -> None:
        self._most, self._short, self.operations = most, short, 0
        self._mapped: dict[Hashable, MemoryMap] = {}
        self._candidates: dict[Hashable, list[Candidate]] = {}
        self._lowered: dict[Hashable, Lowered] = {}

    def mapped(self, memory: MemoryMap, wanted: Sequence[NodeMapping]) -> MemoryMap:
        """A network with other mappings of its nodes."""
        key = memory.groups, tuple(wanted)
        found = self._mapped.get(key)
        if found is None:
            tiles = [placed.tiles for placed in memory.groups[0].nodes]
            sizes = [group.images for group in memory.groups]
            found = memory_map(memory.graph, memory.machine, wanted, tiles, images=sum(sizes), side=max(sizes))
            if self._has_room:
                self._mapped[key] = found
        return dataclasses.replace(found, machine=memory.machine)

    def candidates(self, plain: Candidate, key: Hashable, make: Callable[[], list[Candidate]]) -> list[Candidate]:
        """The mappings of a node that run differently.

        Args:
            plain: the node with its plain mapping.
            key: equal for nodes that run alike.
            make: finds them.
        """
        found = self._candidates.get(key)
        if found is None:
            found = make()
            if self._has_room:
                self._candidates[key] = found
        return [each.on(plain.machine) for each in found]

    def lower(self, memory: MemoryMap, name: str, nodes: Sequence[int] | None = None) -> Lowered:
        """The instructions of a memory map; see `lowering.lower`.

        Raises:
            InputError: as `lowering.lower` does.
        """
        key = tuple(group.nodes for group in memory.groups), nodes
        found = self._lowered.get(key)
        if found is not None and memory.machine.hw.memory.latency_clocks in found.latencies:
            return found.on(memory)
        return self._keep(key, lower_short(memory, name, nodes) if self._short else lower(memory, name, nodes))

    def timed(self, memory: MemoryMap, name: str, nodes: Sequence[int] | None = None) -> tuple[Lowered, MachineTiming]:
        """The same with its clocks; whole, if they do not allow that anything is left out.

        Raises:
            InputError: as `lowering.lower` does.
        """
        lowered = self.lower(memory, name, nodes)
        try:
            return lowered, checked_timing(memory.machine, lowered.checked)
        except NotAlikeError:
            whole = self._keep((tuple(group.nodes for group in memory.groups), nodes), lower(memory, name, nodes))
            return whole, checked_timing(memory.machine, whole.checked)

    def _keep(self, key: Hashable, made: Lowered) -> Lowered:
        """Keeps a program while there is room, without its units."""
        if self._has_room:
            found = self._lowered.get(key)
            self.operations += len(made.columns) - (len(found.columns) if found else 0)
            self._lowered[key] = made.on(made.memory)
        return made

    @property
    def _has_room(self) -> bool:
        return self.operations < self._most
