"""Many instructions at once, against one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch import instruction as isa
from skipbeat_arch.arrays import Bytes
from skipbeat_arch.command import Command
from skipbeat_arch.decoding import INSTRUCTIONS, read_instruction
from skipbeat_arch.engines import Engine, Opcode
from skipbeat_arch.errors import InputError
from skipbeat_arch.instruction import INSTRUCTION_BYTES, Instruction
from skipbeat_arch.instruction_columns import InstructionColumns, engine_bits, words_of

from .test_assembly import instructions

LOOPS = {f"{name}{number}": 1 for name in ("n", "step") for number in range(4)}


def data(words: list[int]) -> Bytes:
    return np.frombuffer(b"".join(word.to_bytes(INSTRUCTION_BYTES, "little") for word in words), np.uint8)


def check_alike(found: InstructionColumns, expected: InstructionColumns) -> None:
    for name in ("opcode", "wait", "signal"):
        assert getattr(found, name).tolist() == getattr(expected, name).tolist()
    assert {opcode: {name: each.tolist() for name, each in own.items()} for opcode, own in found.fields.items()} == {
        opcode: {name: each.tolist() for name, each in own.items()} for opcode, own in expected.fields.items()
    }


@given(st.lists(instructions(), max_size=20))
def test_words_are_read_as_one_by_one(program: list[Instruction]) -> None:
    read = InstructionColumns.of_words(data([each.to_word() for each in program]))
    check_alike(read, InstructionColumns.of(program))
    assert len(read) == len(program)
    for opcode in Opcode:
        own = [number for number, each in enumerate(program) if each.opcode == opcode]
        assert read.at(opcode).tolist() == own
        for name in INSTRUCTIONS[opcode].flat_fields():
            assert read.field(opcode, name).tolist() == [program[number].values()[name] for number in own]
    assert read.commands() == [each.command for each in program if isinstance(each, isa.Pass)]


@given(instructions())
def test_words_are_written_as_one_by_one(instruction: Instruction) -> None:
    kind = type(instruction)
    values = {name: np.array([value, value], np.int64) for name, value in instruction.values().items()}
    wait, signal = (np.full(2, engine_bits(each), np.int64) for each in (instruction.wait, instruction.signal))
    words = words_of(kind, values, wait, signal)
    assert words.shape == (2, INSTRUCTION_BYTES)
    assert words.tobytes() == 2 * instruction.to_word().to_bytes(INSTRUCTION_BYTES, "little")


@pytest.mark.parametrize("word", [0, 15, Opcode.ZERO | 1 << 127, Opcode.END | 1 << 70, Opcode.PLACE | 1 << 63])
def test_what_no_assembler_writes_is_refused(word: int) -> None:
    with pytest.raises(InputError) as alone:
        read_instruction(word)
    good = isa.Zero(to=3, count=4, signal=(Engine.STORE,)).to_word()
    with pytest.raises(InputError) as found:
        InstructionColumns.of_words(data([good, word, 0, good]))
    assert str(found.value) == str(alone.value)


@pytest.mark.parametrize(
    ("kind", "values", "says"),
    [
        (isa.Zero, {"to": 1 << 16, "count": 1}, "ZERO: to must fit in 16 bits, not 65536"),
        (isa.Zero, {"to": -1, "count": 1}, "ZERO: to must fit in 16 bits, not -1"),
        (isa.Setup, {**LOOPS, "n2": 0}, "SETUP: n2 must be at least 1"),
        (isa.Store, {"count": 1, "memory": 1, "low": -129}, "STORE: low must fit in 8 bits, not -129"),
    ],
)
def test_values_that_do_not_fit_are_not_written(kind: type[Instruction], values: dict[str, int], says: str) -> None:
    full = {name: np.array([max(0, each.least or 0), values.get(name, 0)]) for name, each in kind.flat_fields().items()}
    with pytest.raises(InputError, match=says):
        words_of(kind, full, np.zeros(2, np.int64), np.zeros(2, np.int64))


def test_equal_commands_are_one_object() -> None:
    passes = [isa.Pass(command=Command(pixels=pixels, beat=2, rows=4, cols=4)) for pixels in (3, 5, 3)]
    first, other, again = InstructionColumns.of(passes).commands()
    assert first is again
    assert first != other
