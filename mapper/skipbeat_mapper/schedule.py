"""The schedule of a network as data: everything is decided before the first instruction is made of it.

`limits.check` holds it against the hardware, `emission.emit` makes instructions of it, and neither changes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import NamedTuple

from skipbeat_arch.engines import Engine
from skipbeat_arch.instruction import INSTRUCTION_BYTES
from skipbeat_arch.tile import TileStatistics

from .memory_map import MemoryMap, PlacedNode
from .units import Clear, Load, Local, PassOp, StoreOp, Unit, Walk, Zero


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
        units: its loads, walks, passes and stores in their order.
    """

    placed: PlacedNode
    units: tuple[Unit, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Schedule:
    """How a network runs.

    Attributes:
        memory: where everything lies, and each node in its place.
        units: of all nodes, in program order.
        operations: those of the units with loads where they come best, and the tokens between them.
        parts: of nodes, in program order.
        loads: of each node the operations that load something for it.
        stuck: a unit and a load of it that would overwrite what is still in use, where operations end; None if there
            is none.
        follows: the schedule of the run before, if this one relies on what that leaves on the chip; the instructions
            of both lie in one memory.
    """

    memory: MemoryMap
    units: tuple[Unit, ...]
    operations: tuple[Operation, ...]
    parts: tuple[Part, ...]
    loads: Mapping[int, tuple[int, ...]]
    stuck: tuple[Unit, Load | Clear] | None = None
    follows: Schedule | None = None

    @property
    def code(self) -> int:
        """Byte address of the instructions: behind everything else that the run before needs, if there is one."""
        return self._aligned(self.follows.size) if self.follows else 0

    @property
    def start(self) -> int:
        """Byte address of memory vector 0, which follows the instructions of the first run."""
        return self.follows.start if self.follows else self._aligned(len(self.operations) * INSTRUCTION_BYTES)

    @property
    def size(self) -> int:
        """Bytes of all memory that it needs."""
        if self.follows:
            return self.code + len(self.operations) * INSTRUCTION_BYTES
        return self.start + self.memory.vectors * self.memory.machine.vector

    def _aligned(self, size: int) -> int:
        """So many bytes, or as many more as end with a burst."""
        alignment = self.memory.machine.burst_beats * self.memory.machine.vector
        return -(-size // alignment) * alignment

    @property
    def tiles(self) -> list[TileStatistics]:
        """Of the passes that load one, in order."""
        return [op.tile for unit in self.units for op in unit.passes if op.tile is not None]

    def name(self, node: int) -> str:
        """Of a node, counted on from group to group of images."""
        nodes = self.memory.graph.nodes
        return nodes[node % len(nodes)].layer.name

    @cached_property
    def nodes(self) -> tuple[NodeSchedule, ...]:
        """The nodes in the first group of images."""
        placed = self.memory.groups[0].nodes
        units: list[list[Unit]] = [[] for _ in placed]
        for unit in self.units:
            if unit.node < len(placed):
                units[unit.node].append(unit)
        return tuple(NodeSchedule(placed=p, units=tuple(own)) for p, own in zip(placed, units, strict=True))
