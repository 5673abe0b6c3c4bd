"""Instructions as the engines see them: a word taken apart once."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from skipbeat_arch import ports
from skipbeat_arch.instruction import INSTRUCTION_BITS, Opcode, layout

_LAYOUTS = {int(opcode): layout(opcode) for opcode in Opcode}


class Decoded(NamedTuple):
    """An instruction; `fields` is empty if the opcode is unknown. `wait` and `signal` are 2 bits."""

    opcode: int
    wait: int
    signal: int
    fields: dict[str, int]
    word: int


@lru_cache(maxsize=4096)
def decode(word: int) -> Decoded:
    """Take a 128-bit word apart; bits beyond the last field are ignored."""
    opcode = word & 15
    fields = ports.unpack(_LAYOUTS[opcode], word & ((1 << INSTRUCTION_BITS) - 1)) if opcode in _LAYOUTS else {}
    return Decoded(opcode, word >> 4 & 3, word >> 6 & 3, fields, word)
