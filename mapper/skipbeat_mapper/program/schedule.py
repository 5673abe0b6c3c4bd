"""The schedule of a network as data: everything is decided before the first instruction is made of it.

`limits.check` holds it against the hardware, `emission.emit` makes instructions of it, and neither changes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.engines import Engine
from skipbeat_arch.instruction import INSTRUCTION_BYTES
from skipbeat_arch.tile import TileStatistics
from skipbeat_sim.timing.columns import Cut, times_of

from ..memory_map import MemoryMap
from ..order import places as at
from ..units.units import Units


class Part(NamedTuple):
    """Operations `start` to before `stop` are of a node, counted on from group to group of images."""

    node: int
    start: int
    stop: int


#: The engine of each kind of operation, int64 [kinds]; the header goes to none, and nobody waits for it.
_ENGINE_OF_KIND = np.zeros(8, np.int64)
_ENGINE_OF_KIND[[at.A_LOAD, at.A_ZERO]] = Engine.LOAD
_ENGINE_OF_KIND[[at.A_WALK, at.A_PASS]] = Engine.EXECUTE
_ENGINE_OF_KIND[[at.HEADER, at.A_PLACE, at.A_STORE, at.AN_END]] = Engine.STORE


@dataclass(frozen=True, kw_only=True, eq=False)
class Ordered:
    """Operations in their order, as numbers.

    Attributes:
        kind: of each, as `order.places` has them, int64 [operations].
        refers: the number of its load, zero, walk, pass or store, int64 [operations].
        wait, signal: a bit for each engine that it waits for or signals, int64 [operations].
        owner: the node that a load is for, -1 for all others, int64 [operations].
        zeros: entries from-to that ZEROs clear, int64 [zeros, 2].
        parts: of nodes, in program order.
        stuck: the number of a load that would overwrite what is still in use, where operations end; -1 if none would.
        latencies: of the memory, for which all of this is the same.
        cuts: what is left out. times: how often each unit comes, int64 [units].
    """

    kind: Int64Array
    refers: Int64Array
    wait: Int64Array
    signal: Int64Array
    owner: Int64Array
    zeros: Int64Array
    parts: tuple[Part, ...]
    stuck: int
    latencies: range
    cuts: tuple[Cut, ...]
    times: Int64Array

    def __len__(self) -> int:
        return self.kind.size

    @cached_property
    def total(self) -> int:
        """Operations, and those that are left out."""
        return int(times_of(len(self), self.cuts).sum())

    @property
    def engine(self) -> Int64Array:
        """The engine of each, int64 [operations]."""
        return _ENGINE_OF_KIND[self.kind]


@dataclass(frozen=True, kw_only=True, eq=False)
class Schedule:
    """How a network runs.

    Attributes:
        memory: where everything lies, and each node in its place.
        units: of all nodes, in program order.
        ordered: their operations with loads where they come best, and the tokens between them.
        follows: the schedule of the run before, if this one relies on what that leaves on the chip; the instructions
            of both lie in one memory.
    """

    memory: MemoryMap
    units: Units
    ordered: Ordered
    follows: Schedule | None = None

    @property
    def parts(self) -> tuple[Part, ...]:
        """Of nodes, in program order."""
        return self.ordered.parts

    @property
    def code(self) -> int:
        """Byte address of the instructions: behind everything else that the run before needs, if there is one."""
        return self._aligned(self.follows.size) if self.follows else 0

    @property
    def start(self) -> int:
        """Byte address of memory vector 0, which follows the instructions of the first run."""
        return self.follows.start if self.follows else self._aligned(self.ordered.total * INSTRUCTION_BYTES)

    @property
    def size(self) -> int:
        """Bytes of all memory that it needs."""
        if self.follows:
            return self.code + self.ordered.total * INSTRUCTION_BYTES
        return self.start + self.memory.vectors * self.memory.machine.vector

    def _aligned(self, size: int) -> int:
        """So many bytes, or as many more as end with a burst."""
        alignment = self.memory.machine.burst_beats * self.memory.machine.vector
        return -(-size // alignment) * alignment

    @property
    def tiles(self) -> list[TileStatistics]:
        """Of the passes that load one, in order."""
        return [self.units.tiles[number] for number in self.units.loaded.tolist()]

    def name(self, node: int) -> str:
        """Of a node, counted on from group to group of images."""
        nodes = self.memory.graph.nodes
        return nodes[node % len(nodes)].layer.name
