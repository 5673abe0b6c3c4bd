"""A program as the timing model sees it: checked, and sorted by engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from skipbeat_arch.command import Command
from skipbeat_arch.errors import InputError
from skipbeat_arch.instruction import ENGINE_OF, VERSION, Engine, Instruction, Kind, Opcode
from skipbeat_arch.machine import Machine
from skipbeat_arch.tile import TileStatistics

from .core_timing import check_passes

Numbered = tuple[int, Instruction]


@lru_cache(maxsize=4096)
def _decoded(word: int) -> Command:
    return Command.from_word(word)


def command_of(instruction: Instruction) -> Command:
    """The command of a PASS; few differ, so they are decoded once."""
    return _decoded(instruction.fields["command"])


@dataclass(frozen=True)
class Program:
    """Instructions with their numbers, in the order of each engine's queue.

    Attributes:
        machine: the hardware.
        address: byte address of the first instruction.
        instructions: all of them.
        queues: by engine.
        commands: of the PASSes; `tiles`: of those that load one.
    """

    machine: Machine
    address: int
    instructions: tuple[Instruction, ...]
    queues: dict[Engine, list[Numbered]]
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
    for number, instruction in enumerate(instructions[1:], start=1):
        queues[ENGINE_OF[instruction.opcode]].append((number, instruction))
    passes = [(n, i) for n, i in queues[Engine.EXECUTE] if i.opcode == Opcode.PASS]
    commands = [command_of(i) for _, i in passes]
    check_passes(commands, tiles, machine.hw)
    _check_words(passes, commands, tiles)
    _check_walks(queues[Engine.EXECUTE])
    _check_counts(queues)
    return Program(machine, address, tuple(instructions), queues, commands, list(tiles))


def _check_frame(machine: Machine, instructions: Sequence[Instruction]) -> None:
    opcodes = [i.opcode for i in instructions]
    if not opcodes or opcodes[0] != Opcode.HEADER or Opcode.HEADER in opcodes[1:]:
        raise InputError("program: expected a HEADER as its first instruction, and nowhere else")
    if opcodes[-1] != Opcode.END or Opcode.END in opcodes[:-1]:
        raise InputError("program: expected an END as its last instruction, and nowhere else")
    header = instructions[0].fields
    if (header["version"], header["fingerprint"]) != (VERSION, machine.fingerprint):
        raise InputError(f"program: it was made for another hardware than {machine.hw.name}")


def _check_words(passes: list[Numbered], commands: list[Command], tiles: Sequence[TileStatistics]) -> None:
    loads = [(n, i) for (n, i), command in zip(passes, commands, strict=True) if command.load]
    for (number, instruction), tile in zip(loads, tiles, strict=True):
        if instruction.fields["words"] != tile.word_count:
            words = instruction.fields["words"]
            raise InputError(f"program: instruction {number} reads {words} words of a tile of {tile.word_count}")


def _check_walks(queue: list[Numbered]) -> None:
    walk = 0
    for number, instruction in queue:
        if instruction.opcode == Opcode.SETUP:
            walk = 1
            for name in ("n0", "n1", "n2", "n3"):
                walk *= instruction.fields[name]
        else:
            command = command_of(instruction)
            if command.beat and walk != command.pixels:
                pixels = command.pixels
                raise InputError(f"program: instruction {number} walks over {walk} pixels, its pass has {pixels}")


def _check_counts(queues: dict[Engine, list[Numbered]]) -> None:
    for number, instruction in queues[Engine.LOAD] + queues[Engine.STORE]:
        fields = instruction.fields
        if fields.get("count") == 0:
            raise InputError(f"program: instruction {number} ({instruction.opcode.name}) has a count of 0")
        if instruction.opcode == Opcode.LOAD and fields["kind"] not in list(Kind):
            raise InputError(f"program: instruction {number} loads into kind {fields['kind']}, which there is not")
        if instruction.opcode == Opcode.PLACE and (instruction.wait or instruction.signal):
            raise InputError(f"program: instruction {number} (PLACE) waits or signals")
        if instruction.opcode == Opcode.STORE:
            _check_store(number, fields)


def _check_store(number: int, fields: Mapping[str, int]) -> None:
    if fields["pool"] == 0 or (fields["raw"] and fields["pool"] != 1):
        raise InputError(f"program: instruction {number} pools {fields['pool']} items")
    if not fields["memory"] and not fields["local"]:
        raise InputError(f"program: instruction {number} stores neither in memory nor locally")
    if fields["raw"] and fields["local"]:
        raise InputError(f"program: instruction {number} stores raw sums locally")
