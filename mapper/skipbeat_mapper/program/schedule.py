"""The schedule of a network as data: everything is decided before the first instruction is made of it.

`limits.check` holds it against the hardware, `emission.emit` makes instructions of it, and neither changes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import NamedTuple

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.engines import Engine
from skipbeat_arch.instruction import INSTRUCTION_BYTES
from skipbeat_arch.tile import TileStatistics
from skipbeat_sim.timing.columns import Cut, times_of

from ..memory_map import MemoryMap, PlacedNode
from ..order import places as at
from ..units.unit import Clear, Load, Local, PassOp, Range, Space, StoreOp, Unit, Walk, Zero
from .unit_columns import UnitObjects


class Mark(Enum):
    """The first and the last instruction."""

    HEADER = "header"
    END = "end"


What = Mark | Load | Zero | Walk | PassOp | Local | StoreOp

#: The engine that does it; the header goes to none, and nobody waits for it.
ENGINES: dict[type[What], Engine] = {
    Mark: Engine.STORE,
    Load: Engine.LOAD,
    Zero: Engine.LOAD,
    Walk: Engine.EXECUTE,
    PassOp: Engine.EXECUTE,
    Local: Engine.STORE,
    StoreOp: Engine.STORE,
}


class Operation(NamedTuple):
    """What will be one instruction, with the engines that it waits for and those that it signals."""

    what: What
    wait: tuple[Engine, ...] = ()
    signal: tuple[Engine, ...] = ()


#: Engines by a set of their bits.
_ENGINES_OF = [tuple(engine for engine in Engine if bits >> engine & 1) for bits in range(1 << len(Engine))]


class Part(NamedTuple):
    """Operations `start` to before `stop` are of a node, counted on from group to group of images."""

    node: int
    start: int
    stop: int


@dataclass(frozen=True, kw_only=True, eq=False)
class NodeSchedule:
    """How a node runs.

    Attributes:
        placed: its regions, bank places, tiles, order, and what stays on the chip.
        units: its loads, walks, passes and stores in their order. times: how often each comes.
    """

    placed: PlacedNode
    units: tuple[Unit, ...]
    times: tuple[int, ...]


#: The engine of each kind of operation, int64 [kinds].
_ENGINE_OF_KIND = np.array([ENGINES[each] for each in (Mark, Load, Zero, Walk, PassOp, Local, StoreOp, Mark)])


@dataclass(frozen=True, kw_only=True, eq=False)
class Ordered:
    """Operations in their order, as numbers.

    Attributes:
        kind: of each, as `order.places` has them, int64 [operations].
        refers: the number of its load, zero, walk, pass or store, int64 [operations].
        wait, signal: a bit for each engine that it waits for or signals, int64 [operations].
        owner: the node that a load is for, -1 for all others, int64 [operations].
        zeros: entries from-to that ZEROs clear, int64 [zeros, 2].
        columns: of the units, as `order.places` has them. objects: what their numbers stand for.
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
    columns: Mapping[int, Int64Array]
    objects: UnitObjects
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

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """As objects, made when they are asked for."""
        return tuple(self.some(np.arange(len(self))))

    def some(self, numbers: Int64Array) -> list[Operation]:
        """These operations as objects."""
        columns = (self.kind, self.refers, self.wait, self.signal)
        rows = zip(*(each[numbers].tolist() for each in columns), strict=True)
        return [
            Operation(self._what(kind, number), _ENGINES_OF[wait], _ENGINES_OF[signal])
            for kind, number, wait, signal in rows
        ]

    def _what(self, kind: int, number: int) -> What:
        objects = self.objects
        if kind == at.A_ZERO:
            return Zero(Range(Space.ACTIVATIONS, *self.zeros[number].tolist()))
        if kind == at.A_PLACE:
            local = objects.stores[number].local
            assert local is not None
            return local
        if kind == at.A_LOAD:
            load = objects.loads[number]
            assert isinstance(load, Load)
            return load
        if kind in (at.HEADER, at.AN_END):
            return Mark.HEADER if kind == at.HEADER else Mark.END
        made: dict[int, Sequence[What]] = {
            at.A_WALK: objects.walks,
            at.A_PASS: objects.passes,
            at.A_STORE: objects.stores,
        }
        return made[kind][number]


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
    units: tuple[Unit, ...]
    ordered: Ordered
    follows: Schedule | None = None

    @property
    def operations(self) -> tuple[Operation, ...]:
        """The operations as objects."""
        return self.ordered.operations

    @property
    def parts(self) -> tuple[Part, ...]:
        """Of nodes, in program order."""
        return self.ordered.parts

    @cached_property
    def loads(self) -> Mapping[int, tuple[int, ...]]:
        """Of each node the operations that load something for it."""
        owner = self.ordered.owner
        order = np.argsort(owner, kind="stable")
        nodes, starts = np.unique(owner[order], return_index=True)
        parts = np.split(order, starts[1:])
        return {node: tuple(part.tolist()) for node, part in zip(nodes.tolist(), parts, strict=True) if node >= 0}

    @property
    def stuck(self) -> tuple[Unit, Load | Clear] | None:
        """A unit and a load of it that would overwrite what is still in use; None if there is none."""
        load = self.ordered.stuck
        if load < 0:
            return None
        unit = int(np.searchsorted(self.ordered.columns[at.FIRST_LOAD], load, side="right")) - 1
        return self.units[unit], self.ordered.objects.loads[load]

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
        table = self.ordered.objects.table
        return [table.tiles[number] for number in table.tile.tolist()]

    def name(self, node: int) -> str:
        """Of a node, counted on from group to group of images."""
        nodes = self.memory.graph.nodes
        return nodes[node % len(nodes)].layer.name

    @cached_property
    def nodes(self) -> tuple[NodeSchedule, ...]:
        """The nodes in the first group of images."""
        placed = self.memory.groups[0].nodes
        found: list[list[tuple[Unit, int]]] = [[] for _ in placed]
        for unit, times in zip(self.units, self.ordered.times.tolist(), strict=True):
            if unit.node < len(placed):
                found[unit.node].append((unit, times))
        return tuple(
            NodeSchedule(placed=p, units=tuple(unit for unit, _ in own), times=tuple(times for _, times in own))
            for p, own in zip(placed, found, strict=True)
        )
