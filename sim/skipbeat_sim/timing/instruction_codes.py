"""Equal numbers for instructions that the timing model cannot tell apart."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

import numpy as np

from skipbeat_arch import instruction as isa
from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.engines import Kind
from skipbeat_arch.instruction import Instruction

from .tile_paths import TilePath
from .timed_program import Program


def instruction_codes(program: Program, paths: list[TilePath]) -> Int64Array:
    """A number for each instruction, int64 [instructions]: equal ones have all in common that its clocks depend on.

    Of an address that is where in a burst it lies; of a tile its path.

    Args:
        program: the instructions.
        paths: of the tiles, in order; equal ones are one object.
    """
    machine = program.machine
    burst = machine.burst_beats * machine.beat_bytes
    known: dict[Hashable, int] = {}
    tiles = iter(paths)
    codes = [
        known.setdefault((instruction.wait, instruction.signal, *_kind(instruction, burst, tiles)), len(known))
        for instruction in program.instructions
    ]
    return np.array(codes, np.int64)


def _kind(instruction: Instruction, burst: int, tiles: Iterator[TilePath]) -> tuple[Hashable, ...]:
    match instruction:
        case isa.Pass():
            command = instruction.command
            path = id(next(tiles)) if command.load else 0
            return "pass", command.pixels, command.beat, command.first, command.last, command.load, path
        case isa.Load():
            banks = instruction.kind == Kind.ACTIVATIONS
            return "load", instruction.count, instruction.source % burst, banks
        case isa.Store():
            memory = instruction.memory, instruction.address % burst
            return "store", instruction.count, instruction.pool, bool(instruction.raw), memory
        case isa.Zero():
            return "zero", instruction.count
    return (instruction.title,)
