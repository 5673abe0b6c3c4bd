"""Instructions as text, one per line, and back.

    LOAD kind=activations to=0 width=8 pitch=9 period=4 bank=0 count=64 source=4096 wait=execute signal=execute,store
    PASS pixels=64 beat=2 rows=16 cols=16 encoding=bitmap load=1 first=1 last=0 words=40 weights=0 base=0 table=0

A field that is left out is 0. What follows a `;` is a comment; a number may be hexadecimal (0x...).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum

from .command import COMMAND_FIELDS, Encoding
from .errors import InputError
from .instruction import FIELDS, Engine, Instruction, Kind, Opcode
from .ports import pack, unpack

_NAMED: dict[str, type[IntEnum]] = {"kind": Kind, "encoding": Encoding}
_SIGNED = {"low": 8, "high": 8}


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
    parts = [instruction.opcode.name]
    for name, value in _spread(instruction.fields).items():
        parts.append(f"{name}={_text(name, value)}")
    for name, engines in (("wait", instruction.wait), ("signal", instruction.signal)):
        if engines:
            parts.append(f"{name}={','.join(engine.name.lower() for engine in sorted(engines))}")
    return " ".join(parts)


def _spread(fields: Mapping[str, int]) -> dict[str, int]:
    """The fields with the core's command taken apart."""
    out: dict[str, int] = {}
    for name, value in fields.items():
        out |= unpack(COMMAND_FIELDS, value) if name == "command" else {name: value}
    return out


def _text(name: str, value: int) -> str:
    if name in _NAMED and value in list(_NAMED[name]):
        return _NAMED[name](value).name.lower()
    if name in _SIGNED:
        return str(value - (value >> (_SIGNED[name] - 1) << _SIGNED[name]))
    return f"0x{value:x}" if name in ("source", "address", "fingerprint") else str(value)


def _instruction(word: str, parts: list[str]) -> Instruction:
    if word not in Opcode.__members__:
        raise InputError(f"{word}: expected one of {', '.join(Opcode.__members__)}")
    opcode = Opcode[word]
    given: dict[str, int] = {}
    engines: dict[str, tuple[Engine, ...]] = {}
    for part in parts:
        name, sign, value = part.partition("=")
        if not sign or name in given or name in engines:
            raise InputError(f"{word}: expected NAME=VALUE, each once, not {part}")
        if name in ("wait", "signal"):
            engines[name] = _engines(part, value)
        else:
            given[name] = _number(part, name, value)
    command = {name: given.pop(name, 0) for name, _ in COMMAND_FIELDS} if opcode == Opcode.PASS else {}
    for name, bits in COMMAND_FIELDS:
        if name in command and not 0 <= command[name] < 1 << bits:
            raise InputError(f"{word}: {name} must fit in {bits} bits, not {command[name]}")
    fields = {name: given.pop(name, 0) for name, _ in FIELDS[opcode] if name != "command"}
    if given:
        raise InputError(f"{word}: no field {min(given)}")
    if command:
        fields = {"command": pack(COMMAND_FIELDS, command)} | fields
    return Instruction(opcode, fields, engines.get("wait", ()), engines.get("signal", ()))


def _engines(part: str, value: str) -> tuple[Engine, ...]:
    names = value.split(",")
    if unknown := [name for name in names if name.upper() not in Engine.__members__]:
        raise InputError(f"{part}: {unknown[0]} is no engine; expected {', '.join(e.name.lower() for e in Engine)}")
    return tuple(sorted({Engine[name.upper()] for name in names}))


def _number(part: str, name: str, value: str) -> int:
    if name in _NAMED and value.upper() in _NAMED[name].__members__:
        return int(_NAMED[name][value.upper()])
    try:
        number = int(value, 0)
    except ValueError:
        raise InputError(f"{part}: {value!r} is not a number") from None
    if name in _SIGNED and -(1 << (_SIGNED[name] - 1)) <= number < 0:
        number += 1 << _SIGNED[name]
    return number
