"""From a memory map to instructions; nothing is packed for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from skipbeat_arch.errors import InputError
from skipbeat_arch.instruction import INSTRUCTION_BYTES, Instruction
from skipbeat_arch.machine_program import NodeRange
from skipbeat_arch.tile import TileStatistics

from .emitter import Emitter
from .memory_map import MemoryMap
from .network_schedule import plan
from .units import Unit

ADDRESS_BITS = 32


@dataclass(frozen=True, kw_only=True, eq=False)
class Lowered:
    """A program without its data.

    Attributes:
        tiles: of the passes that load one, in order.
        start: byte address of what follows the instructions; size: bytes of all memory that it needs.
        nodes: parts of nodes in program order; numbers: of their nodes, counted on from group to group of images.
    """

    instructions: list[Instruction]
    tiles: list[TileStatistics]
    start: int
    size: int
    nodes: tuple[NodeRange, ...]
    numbers: tuple[int, ...]


def lower(memory: MemoryMap, name: str, nodes: Sequence[int] | None = None) -> Lowered:
    """The instructions of a memory map.

    Args:
        memory: with all nodes in their places.
        name: for messages.
        nodes: only these of the first group of images, one of `turns`; what they read on the chip is there.

    Raises:
        InputError: buffers are too small, or more memory is needed than addresses reach; `name` begins the message.
    """
    machine = memory.machine
    tiles: list[TileStatistics] = []
    emitter = Emitter(machine, memory.vectors)
    emitter.run(_collect(plan(memory, nodes), tiles))
    alignment = machine.burst_beats * machine.vector
    start = -(-len(emitter.drafts) * INSTRUCTION_BYTES // alignment) * alignment
    size = start + memory.vectors * machine.vector
    if size >= 1 << ADDRESS_BITS:
        raise InputError(f"{name}: it needs {size} bytes of memory, more than {ADDRESS_BITS}-bit addresses reach")
    numbers = tuple(number for number, _, _ in emitter.nodes)
    ranges = tuple(_range(memory, emitter, part) for part in range(len(numbers)))
    instructions = [draft.instruction(start) for draft in emitter.drafts]
    return Lowered(instructions=instructions, tiles=tiles, start=start, size=size, nodes=ranges, numbers=numbers)


def _collect(units: Iterable[Unit], tiles: list[TileStatistics]) -> Iterator[Unit]:
    """The units, and beside them the tiles that they load."""
    for unit in units:
        tiles += [op.tile for op in unit.passes if op.tile is not None]
        yield unit


def _range(memory: MemoryMap, emitter: Emitter, part: int) -> NodeRange:
    """A part of a node; loads outside of it are named with the node's first part."""
    number, start, stop = emitter.nodes[part]
    parts = [each for each in emitter.nodes if each[0] == number]
    early: tuple[int, ...] = ()
    if parts[0] == emitter.nodes[part]:
        early = tuple(at for at in emitter.loads[number] if not any(first <= at < last for _, first, last in parts))
    nodes = memory.graph.nodes
    return NodeRange(name=nodes[number % len(nodes)].layer.name, start=start, stop=stop, early=early)
