"""A program as the timing model sees it: checked, and sorted by engine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from skipbeat_arch import instruction as isa
from skipbeat_arch.command import Command
from skipbeat_arch.engines import Engine, Kind
from skipbeat_arch.errors import InputError
from skipbeat_arch.instruction import VERSION, Instruction
from skipbeat_arch.machine import Machine
from skipbeat_arch.tile import TileStatistics

from .core_timing import check_passes

Numbered = tuple[int, Instruction]


@dataclass(frozen=True)
class Program:
    """Instructions with their numbers, in the order of each engine's queue.

    Attributes:
        machine: the hardware.
        address: byte address of the first instruction.
        instructions: all of them.
        queues: by engine. engines: of each instruction, -1 for none; places: of each one in its queue.
        commands: of the PASSes; `tiles`: of those that load one.
    """

    machine: Machine
    address: int
    instructions: tuple[Instruction, ...]
    queues: dict[Engine, list[Numbered]]
    engines: list[int]
    places: list[int]
    commands: list[Command]
    tiles: list[TileStatistics]


def read_program(
    machine: Machine, instructions: Sequence[Instruction], tiles: Sequence[TileStatistics], address: int
) -> Program:
    """Check a program.

    Raises:
        InputError: what the machine would answer with an error or never finish, or a walk that does not have as many
            pixels as the pass.
    """
    _check_frame(machine, instructions)
    queues: dict[Engine, list[Numbered]] = {engine: [] for engine in Engine}
    engines, places = [-1] * len(instructions), [0] * len(instructions)
    for number, instruction in enumerate(instructions[1:], start=1):
        if instruction.engine is not None:
            queue = queues[instruction.engine]
            engines[number], places[number] = instruction.engine, len(queue)
            queue.append((number, instruction))
    passes = [(n, i) for n, i in queues[Engine.EXECUTE] if isinstance(i, isa.Pass)]
    commands = [i.command for _, i in passes]
    check_passes(commands, tiles, machine.hw)
    _check_words(passes, tiles)
    _check_walks(queues[Engine.EXECUTE])
    _check_counts(queues)
    return Program(machine, address, tuple(instructions), queues, engines, places, commands, list(tiles))


def _check_frame(machine: Machine, instructions: Sequence[Instruction]) -> None:
    header = instructions[0] if instructions else None
    if not isinstance(header, isa.Header) or any(isinstance(i, isa.Header) for i in instructions[1:]):
        raise InputError("program: expected a HEADER as its first instruction, and nowhere else")
    if [n for n, i in enumerate(instructions) if isinstance(i, isa.End)] != [len(instructions) - 1]:
        raise InputError("program: expected an END as its last instruction, and nowhere else")
    if (header.version, header.fingerprint) != (VERSION, machine.fingerprint):
        raise InputError(f"program: it was made for another hardware than {machine.hw.name}")


def _check_words(passes: list[tuple[int, isa.Pass]], tiles: Sequence[TileStatistics]) -> None:
    loads = [(n, i) for n, i in passes if i.command.load]
    for (number, instruction), tile in zip(loads, tiles, strict=True):
        if instruction.words != tile.word_count:
            words = instruction.words
            raise InputError(f"program: instruction {number} reads {words} words of a tile of {tile.word_count}")


def _check_walks(queue: list[Numbered]) -> None:
    walk = 0
    for number, instruction in queue:
        if isinstance(instruction, isa.Setup):
            walk = math.prod(instruction.counts)
        elif isinstance(instruction, isa.Pass):
            command = instruction.command
            if command.beat and walk != command.pixels:
                pixels = command.pixels
                raise InputError(f"program: instruction {number} walks over {walk} pixels, its pass has {pixels}")


def _check_counts(queues: dict[Engine, list[Numbered]]) -> None:
    for number, instruction in queues[Engine.LOAD] + queues[Engine.STORE]:
        if isinstance(instruction, isa.Load | isa.Zero | isa.Store) and instruction.count == 0:
            raise InputError(f"program: instruction {number} ({instruction.title}) has a count of 0")
        if isinstance(instruction, isa.Load) and instruction.kind not in list(Kind):
            raise InputError(f"program: instruction {number} loads into kind {instruction.kind}, which there is not")
        if isinstance(instruction, isa.Place) and (instruction.wait or instruction.signal):
            raise InputError(f"program: instruction {number} (PLACE) waits or signals")
        if isinstance(instruction, isa.Store):
            _check_store(number, instruction)


def _check_store(number: int, instruction: isa.Store) -> None:
    if instruction.pool == 0 or (instruction.raw and instruction.pool != 1):
        raise InputError(f"program: instruction {number} pools {instruction.pool} items")
    if not instruction.memory and not instruction.local:
        raise InputError(f"program: instruction {number} stores neither in memory nor locally")
    if instruction.raw and instruction.local:
        raise InputError(f"program: instruction {number} stores raw sums locally")
