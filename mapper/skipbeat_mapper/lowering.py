"""From a memory map to instructions; nothing is packed for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from skipbeat_arch.errors import InputError
from skipbeat_arch.instruction import INSTRUCTION_BYTES, Instruction
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
        nodes: parts of nodes in program order: number of the run, first instruction of execute or store, the one after
            the last.
    """

    instructions: list[Instruction]
    tiles: list[TileStatistics]
    start: int
    size: int
    nodes: list[tuple[int, int, int]]


def lower(memory: MemoryMap, name: str) -> Lowered:
    """The instructions of a memory map.

    Raises:
        InputError: buffers are too small, or more memory is needed than addresses reach; `name` begins the message.
    """
    machine = memory.machine
    tiles: list[TileStatistics] = []
    emitter = Emitter(machine, memory.vectors)
    emitter.run(_collect(plan(memory), tiles))
    alignment = machine.burst_beats * machine.vector
    start = -(-len(emitter.drafts) * INSTRUCTION_BYTES // alignment) * alignment
    size = start + memory.vectors * machine.vector
    if size >= 1 << ADDRESS_BITS:
        raise InputError(f"{name}: it needs {size} bytes of memory, more than {ADDRESS_BITS}-bit addresses reach")
    instructions = [draft.instruction(start) for draft in emitter.drafts]
    return Lowered(instructions=instructions, tiles=tiles, start=start, size=size, nodes=emitter.nodes)


def _collect(units: Iterable[Unit], tiles: list[TileStatistics]) -> Iterator[Unit]:
    """The units, and beside them the tiles that they load."""
    for unit in units:
        tiles += [op.tile for op in unit.passes if op.tile is not None]
        yield unit
