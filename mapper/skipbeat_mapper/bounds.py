"""Lower bounds on the clocks of instructions: what each unit needs for its part of them, if it never waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from skipbeat_arch import instruction as isa
from skipbeat_arch.command import Encoding
from skipbeat_arch.depths import output_clocks
from skipbeat_arch.estimate import Bound
from skipbeat_arch.instruction import INSTRUCTION_BYTES, Instruction
from skipbeat_arch.machine import Machine
from skipbeat_arch.tile import TileStatistics


def tile_clocks(tile: TileStatistics, machine: Machine) -> int:
    """The decoder's least clocks for a tile: a word or a slot of a row per clock, and the metadata of its rows."""
    hw = machine.hw
    metadata = 0 if tile.encoding == Encoding.DENSE else tile.rows * (hw.array.cols // hw.weights.decode_lanes)
    return max(tile.word_count, tile.rows * tile.beat, metadata)


def memory_clocks(machine: Machine, read_bytes: int, written_bytes: int) -> int:
    """The least clocks of so many bytes: reads and writes share the memory unless it serves them apart."""
    port = machine.beat_bytes
    if machine.duplex:
        return -(-max(read_bytes, written_bytes) // port)
    return -(-(read_bytes + written_bytes) // port)


def moved_bytes(machine: Machine, instructions: Sequence[Instruction]) -> tuple[int, int]:
    """Bytes over the memory bus, read and written; the instructions themselves are read too."""
    read, written = len(instructions) * INSTRUCTION_BYTES, 0
    for instruction in instructions:
        if isinstance(instruction, isa.Load):
            read += instruction.count * machine.vector
        elif isinstance(instruction, isa.Store) and instruction.memory:
            written += instruction.count * machine.vector * (4 if instruction.raw else 1)
    return read, written


def instruction_tiles(
    instructions: Sequence[Instruction], tiles: Sequence[TileStatistics]
) -> dict[int, TileStatistics]:
    """The tile of every PASS that loads one, by the number of the instruction.

    Args:
        instructions: a program.
        tiles: of those PASSes, in order.
    """
    loads = (n for n, i in enumerate(instructions) if isinstance(i, isa.Pass) and i.command.load)
    return dict(zip(loads, tiles, strict=True))


def lower_bounds(
    machine: Machine, instructions: Sequence[Instruction], tiles: Sequence[TileStatistics]
) -> Mapping[Bound, int]:
    """Lower bounds of the clocks of some instructions of a program.

    Args:
        machine: the hardware.
        instructions: in order.
        tiles: of those PASSes that load one, in order.
    """
    clocks: dict[int, int] = {}
    for tile in tiles:
        if id(tile) not in clocks:
            clocks[id(tile)] = tile_clocks(tile, machine)
    return {
        Bound.COMPUTE: sum(_steps(i) for i in instructions),
        Bound.MEMORY: memory_clocks(machine, *moved_bytes(machine, instructions)),
        Bound.DECODER: sum(clocks[id(tile)] for tile in tiles),
        Bound.OUTPUT: sum(_output(i, machine) for i in instructions),
    }


def tightest(bounds: Mapping[Bound, int]) -> Bound:
    """The largest of the bounds; of equal ones the first."""
    return max(bounds, key=lambda bound: bounds[bound])


def _steps(instruction: Instruction) -> int:
    if not isinstance(instruction, isa.Pass):
        return 0
    command = instruction.command
    return command.pixels * max(1, command.beat)


def _output(instruction: Instruction, machine: Machine) -> int:
    if not isinstance(instruction, isa.Store):
        return 0
    return instruction.count * output_clocks(machine.hw, instruction.pool, raw=bool(instruction.raw))
