"""Random programs with something wrong: cut short, damaged, or in too great a hurry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from skipbeat_arch import instruction as isa
from skipbeat_arch.arrays import Bytes
from skipbeat_arch.engines import Engine, Kind
from skipbeat_arch.instruction import Instruction
from skipbeat_arch.machine import Machine
from tests.mutation.script import Program
from tests.sim.machine.machine_programs import MachineProgram
from tests.sim.machine.wild_programs import with_field

DAMAGED_TILES = 40


def contradictory_cases(machine: Machine) -> Iterator[Program]:
    """Headers, opcodes, addresses, tiles; loads that wait for nobody; programs that wait for ever, and aborts."""
    for seed in range(4):
        program = MachineProgram.random(machine, np.random.default_rng([1, seed]), units=2)
        count = len(program.instructions)
        yield Program(name=f"cut short {seed}", memory=program.memory, count=count // (seed + 2))
        for change in (12, 9, 10):
            yield Program(name=f"opcode {change} {seed}", memory=_opcode(program, change), count=count)
        yield Program(name=f"source {seed}", memory=_outside(program), count=count)
    for count in range(1, 4):
        yield Program(name=f"{count} instructions", memory=program.memory, count=count)
    for bit in range(48):
        program = MachineProgram.random(machine, np.random.default_rng([5, bit % 3]), units=1)
        memory = program.memory.copy()
        memory[bit // 8] ^= 1 << bit % 8
        yield Program(name=f"header with bit {bit} changed", memory=memory, count=len(program.instructions))
    for seed in range(DAMAGED_TILES):
        program = MachineProgram.random(machine, np.random.default_rng([2, seed]), units=1 + seed % 2)
        memory = _damaged_tile(program, seed)
        yield Program(name=f"damaged tile {seed}", memory=memory, count=len(program.instructions))
    for seed in range(4):
        program = MachineProgram.random(machine, np.random.default_rng([3, seed]), units=4)
        memory = program.memory.copy()
        for place, instruction in enumerate(program.instructions):
            if isinstance(instruction, isa.Load | isa.Zero):
                _put(memory, place, replace(instruction, wait=()))
        yield Program(name=f"hasty loads {seed}", memory=memory, count=len(program.instructions))
    yield from _without_end(machine)


def _without_end(machine: Machine) -> Iterator[Program]:
    """Aborted somewhere, or waiting for what never comes: an instruction of nothing, a token, a word, an item."""
    program = MachineProgram.random(machine, np.random.default_rng(6), units=2)
    count = len(program.instructions)
    for clock in (3, 70, 250):
        yield Program(name=f"aborted at {clock}", memory=program.memory, count=count, abort_at=clock)
    for kind, field in ((isa.Load, "count"), (isa.Store, "count"), (isa.Pass, "words"), (isa.Setup, "n2")):
        memory = program.memory.copy()
        place = next(i for i, x in enumerate(program.instructions) if isinstance(x, kind))
        _put_word(memory, place, with_field(program.instructions[place].to_word(), field, 0))
        yield Program(name=f"{kind.title} with {field} 0", memory=memory, count=count)
    memory = program.memory.copy()
    _put(memory, count - 1, isa.End(wait=(Engine.LOAD, Engine.EXECUTE)))
    yield Program(name="the END waits for ever", memory=memory, count=count)


def _put(memory: Bytes, place: int, instruction: Instruction) -> None:
    _put_word(memory, place, instruction.to_word())


def _put_word(memory: Bytes, place: int, word: int) -> None:
    memory[16 * place : 16 * place + 16] = np.frombuffer(word.to_bytes(16, "little"), np.uint8)


def _opcode(program: MachineProgram, opcode: int) -> Bytes:
    memory = program.memory.copy()
    at = 16 * (len(program.instructions) // 2)
    memory[at] = memory[at] & 0xF0 | opcode
    return memory


def _outside(program: MachineProgram) -> Bytes:
    memory = program.memory.copy()
    place, load = next((i, x) for i, x in enumerate(program.instructions) if isinstance(x, isa.Load))
    _put(memory, place, replace(load, source=load.source | 1 << 30))
    return memory


def _damaged_tile(program: MachineProgram, seed: int) -> Bytes:
    """One bit of the first words of a tile's metadata, or a PASS that is told of more or fewer words than there are."""
    rng, memory = np.random.default_rng([4, seed]), program.memory.copy()
    if seed % 4 == 3:
        passes = {i: x for i, x in enumerate(program.instructions) if isinstance(x, isa.Pass) and x.words > 2}
        if passes:
            place = int(rng.choice(list(passes)))
            told = passes[place]
            _put(memory, place, replace(told, words=told.words + int(rng.choice([-2, -1, 1, 2]))))
            return memory
    tiles = [i for i in program.instructions if isinstance(i, isa.Load) and i.kind == Kind.WEIGHTS]
    source = tiles[int(rng.integers(len(tiles)))].source
    memory[source + int(rng.integers(2 * program.machine.vector))] ^= 1 << int(rng.integers(8))
    return memory
