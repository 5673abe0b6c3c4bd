"""The instruction of a word of 128 bits, for the engines and for whoever reads a program."""

from __future__ import annotations

from functools import lru_cache

from . import instruction as isa
from .engines import Opcode
from .errors import InputError
from .hardware import Hardware
from .instruction import COMMON_BITS, OPCODE_BITS, Instruction
from .turn_instruction import Turn

_BASE = isa.Load, isa.Zero, isa.Setup, isa.Pass, isa.Store, isa.End, isa.Header, isa.Place
#: The class of each opcode.
INSTRUCTIONS: dict[Opcode, type[Instruction]] = {each.opcode: each for each in (*_BASE, Turn)}


def instructions_of(hw: Hardware) -> dict[Opcode, type[Instruction]]:
    """The class of each opcode that hardware knows; every other one is an error to it."""
    return {opcode: each for opcode, each in INSTRUCTIONS.items() if hw.outputs.turn or each is not Turn}


@lru_cache(maxsize=4096)
def decode(word: int) -> Instruction | None:
    """The instruction of a word as the engines see it; None if there is no such opcode.

    Bits beyond the last field are ignored, and the fields may hold what no assembler writes.
    """
    code = word & ((1 << OPCODE_BITS) - 1)
    return INSTRUCTIONS[Opcode(code)].from_bits(word) if code in INSTRUCTIONS else None


def read_instruction(word: int) -> Instruction:
    """The instruction of a word that somebody wrote: the inverse of `Instruction.to_word`.

    Raises:
        InputError: an opcode that there is not, or bits beyond the last field.
    """
    found = decode(word)
    if found is None:
        raise InputError(f"opcode {word & ((1 << OPCODE_BITS) - 1)} is unknown")
    if word >> (COMMON_BITS + found.bit_count()):
        raise InputError(f"{found.title}: bits beyond the last field are set")
    return found
