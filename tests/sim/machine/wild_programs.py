"""Programs that no compiler writes: sound ones with anything changed, and how long any program may take."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skipbeat_arch import instruction as isa
from skipbeat_arch.arrays import Bytes
from skipbeat_arch.decoding import INSTRUCTIONS, decode
from skipbeat_arch.depths import RAW_VECTORS, patience
from skipbeat_arch.engines import Opcode
from skipbeat_arch.instruction import COMMON, INSTRUCTION_BYTES, Instruction
from skipbeat_arch.machine import Machine
from skipbeat_arch.turn_instruction import Turn
from tests.sim.machine.machine_programs import MachineProgram

#: Fields that say how much is done, and the most in them: with more of it a program ends too, but not in a test's time.
AMOUNTS = ("count", "words", "n0", "n1", "n2", "n3", "pool")
MOST = 600


def wild_program(machine: Machine, rng: np.random.Generator) -> tuple[Bytes, int]:
    """The memory with a program at its beginning that was sound before, and its instructions."""
    program = MachineProgram.random(machine, rng, units=int(rng.integers(1, 4)))
    words = [instruction.to_word() for instruction in program.instructions]
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(1, len(words) - 1))
        match rng.choice(["field", "field", "field", "field", "tokens", "swap", "drop", "again"]):
            case "field":
                words[at] = _with_another_field(words[at], rng)
            case "tokens":
                words[at] ^= 1 << int(rng.integers(4, 8))
            case "swap":
                other = int(rng.integers(1, len(words) - 1))
                words[at], words[other] = words[other], words[at]
            case "drop" if len(words) > 4:
                del words[at]
            case "again":
                words.insert(at, words[at])
    memory = program.memory.copy()
    code = b"".join(word.to_bytes(INSTRUCTION_BYTES, "little") for word in words)
    memory[: len(code)] = np.frombuffer(code, np.uint8)
    return memory, len(words)


def _with_another_field(word: int, rng: np.random.Generator) -> int:
    """One field is nothing, the most, one more or less, or anything."""
    layout = INSTRUCTIONS[Opcode(word & 15)].layout()
    if not layout:
        return word
    name, bits = layout[int(rng.integers(len(layout)))]
    old = field_of(word, name)
    new = int(rng.choice([0, old + 1, old - 1, old ^ 1 << int(rng.integers(bits)), (1 << bits) - 1])) % (1 << bits)
    return with_field(word, name, min(new, MOST) if name in AMOUNTS else new)


def _place(word: int, name: str) -> tuple[int, int]:
    """The first bit of a field, and its bits."""
    at = 0
    for other, bits in (*COMMON, *INSTRUCTIONS[Opcode(word & 15)].layout()):
        if other == name:
            return at, bits
        at += bits
    raise KeyError(name)


def field_of(word: int, name: str) -> int:
    """A field of an instruction."""
    at, bits = _place(word, name)
    return word >> at & (1 << bits) - 1


def with_field(word: int, name: str, value: int) -> int:
    """The instruction with another value in a field, one that no assembler would write too."""
    at, bits = _place(word, name)
    return word & ~(((1 << bits) - 1) << at) | value << at


def most_clocks(machine: Machine, memory: Bytes, count: int) -> int:
    """The bound of docs/machine.md on a run with the memory that everything is measured with."""
    words = memory[: INSTRUCTION_BYTES * count].tobytes()
    numbers = (int.from_bytes(words[i : i + INSTRUCTION_BYTES], "little") for i in range(0, len(words), 16))
    program = [instruction for number in numbers if (instruction := decode(number)) is not None]
    vectors = sum(_moved(instruction) for instruction in program) + -(-len(words) // machine.vector)
    bursts = vectors + 2 * count
    on_the_bus = bursts * (machine.hw.memory.latency_clocks + 4) + vectors * machine.vector_beats
    return on_the_bus + (events(program, machine.vector) + 1) * (patience(machine.hw) + 2)


def _moved(instruction: Instruction) -> int:
    """Vectors between memory and machine."""
    if isinstance(instruction, isa.Store):
        return instruction.count * RAW_VECTORS
    if isinstance(instruction, Turn):
        return instruction.count * instruction.lanes
    return instruction.count if isinstance(instruction, isa.Load) else 0


def events(program: Sequence[Instruction], vector: int) -> int:
    """The most that can happen beside the bus, as the watchdog sees it: words, steps, items, zeros, instructions, and
    vectors that are turned."""
    total = len(program)
    for instruction in program:
        if isinstance(instruction, isa.Zero):
            total += instruction.count or 1 << 16
        elif isinstance(instruction, Turn):
            total += instruction.count * vector
        elif isinstance(instruction, isa.Pass):
            command = instruction.command
            # With its last step a pixel of a last pass is an item for the output stage.
            total += instruction.words + command.pixels * max(1, command.beat) + command.pixels
    return total
