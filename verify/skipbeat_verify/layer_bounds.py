"""What each layer of a program needs at least of the array, the memory, the decoder and the output stage."""

from __future__ import annotations

from collections.abc import Iterator

from skipbeat_arch import instruction as isa
from skipbeat_arch.estimate import Bound
from skipbeat_arch.instruction import INSTRUCTION_BYTES, Instruction
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import MachineProgram
from skipbeat_mapper.estimate.bounds import memory_clocks, tile_clocks
from skipbeat_sim.timing.stored_tiles import stored_tiles

#: Clocks in which the output stage passes a raw item on.
RAW_CLOCKS = 4


def layer_bounds(program: MachineProgram, machine: Machine) -> dict[str, dict[Bound, int]]:
    """For each layer the clocks in which each unit could do its part of it, if it never waited: lower bounds.

    A load counts for the layer before whose end it stands: it may be meant for a later one. The order is that in which
    the layers first appear.
    """
    instructions = program.instructions
    tiles = iter(stored_tiles(machine, program.image, instructions))
    clocks = [tile_clocks(next(tiles), machine) if _loads(i) else 0 for i in instructions]
    bounds: dict[str, dict[Bound, int]] = {}
    for name, first, stop in _parts(program):
        part = instructions[first:stop]
        own = bounds.setdefault(name, dict.fromkeys(Bound, 0))
        own[Bound.COMPUTE] += sum(_nodes(i) for i in part)
        own[Bound.MEMORY] += _memory(part, machine)
        own[Bound.DECODER] += sum(clocks[first:stop])
        own[Bound.OUTPUT] += sum(_output(i, machine) for i in part)
    return bounds


def _parts(program: MachineProgram) -> Iterator[tuple[str, int, int]]:
    """The instructions of the layers, each with what stands between it and the one before: (name, first, stop)."""
    first = 0
    for node in program.nodes:
        yield node.name, first, node.stop
        first = node.stop


def _loads(instruction: Instruction) -> bool:
    return isinstance(instruction, isa.Pass) and instruction.command.load


def _nodes(instruction: Instruction) -> int:
    if not isinstance(instruction, isa.Pass):
        return 0
    command = instruction.command
    return command.pixels * max(1, command.beat)


def _memory(part: tuple[Instruction, ...], machine: Machine) -> int:
    read, written = len(part) * INSTRUCTION_BYTES, 0
    for instruction in part:
        if isinstance(instruction, isa.Load):
            read += instruction.count * machine.vector
        elif isinstance(instruction, isa.Store) and instruction.memory:
            written += instruction.count * machine.vector * (4 if instruction.raw else 1)
    return memory_clocks(machine, read, written)


def _output(instruction: Instruction, machine: Machine) -> int:
    if not isinstance(instruction, isa.Store):
        return 0
    item = RAW_CLOCKS if instruction.raw else machine.hw.array.cols // machine.hw.outputs.lanes
    return instruction.count * instruction.pool * item
