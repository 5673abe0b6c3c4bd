"""Instructions as text, one per line, and back.

    LOAD to=0 width=8 pitch=9 period=4 bank=0 kind=activations count=64 source=0x1000 wait=execute signal=execute,store
    PASS pixels=64 beat=2 rows=16 cols=16 encoding=bitmap load=1 first=1 last=0 words=40 weights=0 base=0 table=0

A field that is left out is 0. What follows a `;` is a comment; a number may be hexadecimal (0x...).
"""

from __future__ import annotations

from collections.abc import Iterable

from .decoding import INSTRUCTIONS
from .engines import Engine, Opcode
from .errors import InputError
from .instruction import Instruction
from .word import BitField

_TOKENS = ("wait", "signal")


def disassemble(instructions: Iterable[Instruction]) -> list[str]:
    """One line for each instruction."""
    return [_line(instruction) for instruction in instructions]


def assemble(lines: Iterable[str]) -> list[Instruction]:
    """Inverse of `disassemble`; empty lines and comments are skipped.

    Raises:
        InputError: a line that is no instruction, with its number.
    """
    out = []
    for number, line in enumerate(lines, 1):
        text = line.partition(";")[0].split()
        if not text:
            continue
        try:
            instruction = _instruction(text[0], text[1:])
            instruction.to_word()
        except InputError as error:
            raise InputError(f"line {number}: {error}") from None
        out.append(instruction)
    return out


def _line(instruction: Instruction) -> str:
    fields = instruction.flat_fields()
    parts = [instruction.title]
    shown = ((fields[name], value) for name, value in instruction.values().items())
    parts += [f"{each.name}={_text(each, value)}" for each, value in shown if value or not each.seldom]
    for name in _TOKENS:
        if engines := getattr(instruction, name):
            parts.append(f"{name}={','.join(engine.name.lower() for engine in sorted(engines))}")
    return " ".join(parts)


def _text(field: BitField, value: int) -> str:
    if field.names and value in list(field.names):
        return field.names(value).name.lower()
    return f"0x{value:x}" if field.address else str(value)


def _instruction(word: str, parts: list[str]) -> Instruction:
    if word not in Opcode.__members__:
        raise InputError(f"{word}: expected one of {', '.join(Opcode.__members__)}")
    kind = INSTRUCTIONS[Opcode[word]]
    fields = kind.flat_fields()
    given: dict[str, int] = {}
    engines: dict[str, tuple[Engine, ...]] = {}
    for part in parts:
        name, sign, value = part.partition("=")
        if not sign or name in given or name in engines:
            raise InputError(f"{word}: expected NAME=VALUE, each once, not {part}")
        if name in _TOKENS:
            engines[name] = _engines(part, value)
        elif name in fields:
            given[name] = _number(word, fields[name], value)
        else:
            raise InputError(f"{word}: no field {name}")
    return kind.of_values(given, **engines)


def _engines(part: str, value: str) -> tuple[Engine, ...]:
    names = value.split(",")
    if unknown := [name for name in names if name.upper() not in Engine.__members__]:
        raise InputError(f"{part}: {unknown[0]} is no engine; expected {', '.join(e.name.lower() for e in Engine)}")
    return tuple(sorted({Engine[name.upper()] for name in names}))


def _number(word: str, field: BitField, value: str) -> int:
    if field.names and value.upper() in field.names.__members__:
        return field.names[value.upper()]
    try:
        number = int(value, 0)
    except ValueError:
        raise InputError(f"{field.name}={value}: {value!r} is not a number") from None
    if not field.lowest <= number <= field.highest:
        raise InputError(f"{word}: {field.name} must fit in {field.width} bits, not {number}")
    return number
