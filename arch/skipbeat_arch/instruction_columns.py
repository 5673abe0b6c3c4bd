"""Many instructions at once, as a column of numbers for each of their fields: how programs are read and written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .arrays import BoolArray, Bytes, Int64Array, UInt64Array
from .command import Command
from .decoding import INSTRUCTIONS, read_instruction
from .engines import Engine, Opcode
from .instruction import COMMON_BITS, INSTRUCTION_BITS, INSTRUCTION_BYTES, OPCODE_BITS, TOKEN_BITS, Instruction
from .word import BitField

_LANE_BITS = 64
#: Set for each opcode that there is, bool [codes].
_IS_OPCODE = np.isin(np.arange(1 << OPCODE_BITS), list(INSTRUCTIONS))


def _others(kind: type[Instruction]) -> tuple[Engine, Engine]:
    """The engines that the bits of an instruction's `wait` and `signal` are for, lowest first."""
    return (Engine.LOAD if kind.engine is None else kind.engine).others


def engine_bits(engines: Iterable[Engine]) -> int:
    """A bit for each engine."""
    return sum(1 << engine for engine in set(engines))


@dataclass(frozen=True, kw_only=True, eq=False)
class InstructionColumns:
    """Instructions in their order.

    Attributes:
        opcode: of each, int64 [instructions].
        wait, signal: a bit for each engine, int64 [instructions].
        fields: of each opcode that occurs the values of all fields by their names, those of a word inside it in its
            place; int64 [instructions of that opcode].
    """

    opcode: Int64Array
    wait: Int64Array
    signal: Int64Array
    fields: Mapping[Opcode, Mapping[str, Int64Array]]

    def __len__(self) -> int:
        return self.opcode.size

    def at(self, opcode: Opcode) -> Int64Array:
        """The numbers of the instructions with an opcode."""
        return np.flatnonzero(self.opcode == opcode)

    def field(self, opcode: Opcode, name: str) -> Int64Array:
        """A field of all instructions with an opcode."""
        own = self.fields.get(opcode)
        return np.zeros(0, np.int64) if own is None else own[name]

    def commands(self) -> list[Command]:
        """The commands of all PASSes, in order; equal ones are one object."""
        fields = self.fields.get(Opcode.PASS)
        if fields is None:
            return []
        names = Command.flat_fields()
        rows = list(zip(*(fields[name].tolist() for name in names), strict=True))
        made = {row: Command.of_values(dict(zip(names, row, strict=True))) for row in set(rows)}
        return [made[row] for row in rows]

    @classmethod
    def of(cls, instructions: Sequence[Instruction]) -> InstructionColumns:
        """The columns of instructions, whatever their fields hold."""
        rows: dict[Opcode, list[Mapping[str, int]]] = {}
        for each in instructions:
            rows.setdefault(each.opcode, []).append(each.values())
        common = [(each.opcode, engine_bits(each.wait), engine_bits(each.signal)) for each in instructions]
        opcode, wait, signal = np.array(common, np.int64).reshape(-1, 3).T
        fields = {
            code: {name: np.array([row[name] for row in own], np.int64) for name in own[0]}
            for code, own in rows.items()
        }
        return cls(opcode=opcode, wait=wait, signal=signal, fields=fields)

    @classmethod
    def of_words(cls, data: Bytes) -> InstructionColumns:
        """The columns of instructions in memory, uint8 [instructions * INSTRUCTION_BYTES].

        Raises:
            InputError: one that `read_instruction` refuses.
        """
        lanes = np.ascontiguousarray(data).view("<u8").reshape(-1, 2).T
        opcode = _field(lanes, 0, OPCODE_BITS)
        wrong = ~_IS_OPCODE[opcode]
        for code, kind in INSTRUCTIONS.items():
            beyond = COMMON_BITS + kind.bit_count()
            if beyond < INSTRUCTION_BITS:
                wrong |= (opcode == code) & _any_from(lanes, beyond)
        for number in np.flatnonzero(wrong)[:1].tolist():
            word = data[number * INSTRUCTION_BYTES :][:INSTRUCTION_BYTES].tobytes()
            read_instruction(int.from_bytes(word, "little"))
        tokens = np.zeros((2, opcode.size), np.int64)
        fields: dict[Opcode, dict[str, Int64Array]] = {}
        for code, kind in INSTRUCTIONS.items():
            own = np.flatnonzero(opcode == code)
            if not own.size:
                continue
            words, bits_of = lanes[:, own], np.array([engine_bits(_some(_others(kind), bits)) for bits in range(4)])
            for number in (0, 1):
                tokens[number, own] = bits_of[_field(words, OPCODE_BITS + number * TOKEN_BITS, TOKEN_BITS)]
            fields[code] = {name: _read(words, each) for name, each in kind.flat_fields().items()}
        return cls(opcode=opcode, wait=tokens[0], signal=tokens[1], fields=fields)


def words_of(kind: type[Instruction], values: Mapping[str, Int64Array], wait: Int64Array, signal: Int64Array) -> Bytes:
    """Instructions of a kind whose fields need not agree with one another, as they lie in memory.

    Args:
        kind: of all of them.
        values: of every field, int64 [instructions].
        wait, signal: a bit for each engine, int64 [instructions].

    Returns:
        uint8 [instructions, INSTRUCTION_BYTES].

    Raises:
        InputError: a field does not fit, or makes no sense.
    """
    lanes = np.zeros((2, wait.size), np.uint64)
    tokens = np.zeros(wait.size, np.int64)
    for at, engines in ((0, wait), (TOKEN_BITS, signal)):
        for number, engine in enumerate(_others(kind)):
            tokens |= (engines >> engine & 1) << (at + number)
    _write(lanes, np.int64(kind.opcode) | tokens << OPCODE_BITS, 0, COMMON_BITS)
    for name, each in kind.flat_fields().items():
        own = values[name]
        least = each.lowest if each.least is None else each.least
        for number in np.flatnonzero((own < least) | (own > each.highest))[:1].tolist():
            kind.of_values({name: int(column[number]) for name, column in values.items()}).to_word()
        _write(lanes, own & ((1 << each.width) - 1), COMMON_BITS + each.offset, each.width)
    return np.ascontiguousarray(lanes.T.astype("<u8")).view(np.uint8)


def _some(engines: Sequence[Engine], bits: int) -> list[Engine]:
    return [engine for number, engine in enumerate(engines) if bits >> number & 1]


def _read(lanes: UInt64Array, each: BitField) -> Int64Array:
    found = _field(lanes, COMMON_BITS + each.offset, each.width)
    return np.where(found > each.highest, found - (1 << each.width), found) if each.lowest < 0 else found


def _field(lanes: UInt64Array, offset: int, width: int) -> Int64Array:
    """Bits of words whose lower and upper halves are given, uint64 [2, words]; of less than 64 bits."""
    lane, shift = divmod(offset, _LANE_BITS)
    found: UInt64Array = lanes[lane] >> np.uint64(shift)
    if shift + width > _LANE_BITS:
        found |= lanes[lane + 1] << np.uint64(_LANE_BITS - shift)
    found &= np.uint64((1 << width) - 1)
    return found.astype(np.int64)


def _write(lanes: UInt64Array, values: Int64Array, offset: int, width: int) -> None:
    """Adds bits to words that have none there."""
    lane, shift = divmod(offset, _LANE_BITS)
    bits = values.astype(np.uint64)
    lanes[lane] |= bits << np.uint64(shift)
    if shift + width > _LANE_BITS:
        lanes[lane + 1] |= bits >> np.uint64(_LANE_BITS - shift)


def _any_from(lanes: UInt64Array, offset: int) -> BoolArray:
    """Whether any bit from `offset` on is set."""
    lane, shift = divmod(offset, _LANE_BITS)
    found: BoolArray = lanes[lane] >> np.uint64(shift) != 0
    return found if lane else found | (lanes[1] != 0)
