"""Layouts of the words at the core's internal ports: field names and widths, lowest bits first.

A field is `(name, bits)`, or `(name, (count, bits))` for an array whose element 0 is lowest. The RTL builds its
structures from these tables and the cycle model packs and unpacks its port values with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .command import Command
from .hardware import Hardware

Field = tuple[str, int | tuple[int, int]]
Fields = tuple[Field, ...]
FieldValue = int | Sequence[int]

#: A number of rows or columns, 0..64.
SIZE_BITS = 7
ENCODING_BITS = 2
#: The lowest bits of a pass on which it depends when it may begin.
PASS_SHOWN = 6

COMMAND: Fields = Command.layout()

#: What happens in the core in a clock, for performance counters: the array's `Cause`, bundles fed, and events.
ACTIVITY: Fields = (
    ("cause", 3),
    ("bundles", SIZE_BITS),
    ("accumulator_read", 1),
    ("accumulator_write", 1),
    ("result", 1),
    ("slot_write", 1),
    ("row_decoded", 1),
    ("metadata_word", 1),
    ("value_word", 1),
)


def pixels_bits(hw: Hardware) -> int:
    """Bits of a number of pixels that a pass may have, up to D."""
    return hw.accumulators.depth.bit_length()


def beat_bits(hw: Hardware) -> int:
    """Bits of b, 0..M."""
    return hw.array.group.bit_length()


def rows_bits(hw: Hardware) -> int:
    """Bits of a number of rows, 0..R."""
    return hw.array.rows.bit_length()


def words_bits(hw: Hardware) -> int:
    """Bits of a number of words of a tile's metadata."""
    return hw.metadata_words.bit_length()


def row_bits(hw: Hardware) -> int:
    """Bits of a row's number."""
    return max(1, (hw.array.rows - 1).bit_length())


def rank_bits(hw: Hardware) -> int:
    """Bits of a column's rank among the columns of a slot that have a value."""
    return max(1, (hw.array.cols - 1).bit_length())


def count_bits(hw: Hardware) -> int:
    """Bits of a number of columns, 0..C."""
    return hw.array.cols.bit_length()


def slot_bits(hw: Hardware) -> int:
    """Bits of a slot's address in a PE: {slot, bank (high bit)}."""
    return 1 + hw.index_bits


def bundle_bits(hw: Hardware) -> int:
    """Bits of a bundle: M activations."""
    return hw.array.group * hw.numbers.activation_bits


def control_fields(hw: Hardware) -> Fields:
    """What travels with each step to the accumulators."""
    pixel = max(1, (hw.accumulators.depth - 1).bit_length())
    return (("valid", 1), ("open", 1), ("close", 1), ("first", 1), ("last", 1), ("pixel", pixel))


def pass_fields(hw: Hardware) -> Fields:
    """A pass, for the sequencer; first what decides when it may begin (`PASS_SHOWN` bits).

    `stale`: it wants a tile again that is not there. `one_step`, `two_steps`: a pixel takes at most so many.
    `one_pixel`: it has a single one.
    """
    return (
        ("load", 1),
        ("first", 1),
        ("stale", 1),
        ("one_step", 1),
        ("two_steps", 1),
        ("one_pixel", 1),
        ("last", 1),
        ("pixels", pixels_bits(hw)),
        ("beat", beat_bits(hw)),
        ("rows", rows_bits(hw)),
    )


def tile_fields(hw: Hardware) -> Fields:
    """A tile's descriptor, for the decoder. `words`: of its metadata."""
    sizes = (("beat", beat_bits(hw)), ("rows", rows_bits(hw)), ("cols", count_bits(hw)), ("words", words_bits(hw)))
    return (("encoding", ENCODING_BITS), *sizes)


def unpack_fields(hw: Hardware) -> Fields:
    """A tile's descriptor, for the unpacker."""
    sizes = (("beat", beat_bits(hw)), ("rows", rows_bits(hw)), ("words", words_bits(hw)))
    return (("encoding", ENCODING_BITS), *sizes)


def slot_fields(hw: Hardware) -> Fields:
    """One slot of every column: which have a value, where it goes."""
    cols = hw.array.cols
    return (
        ("mask", (cols, 1)),
        ("count", count_bits(hw)),
        ("rank", (cols, rank_bits(hw))),
        ("index", (cols, hw.index_bits)),
        ("row", row_bits(hw)),
        ("slot", hw.index_bits),
        ("final", 1),
    )


def write_fields(hw: Hardware) -> Fields:
    """One slot of every column with its value, on its way into the array."""
    cols = hw.array.cols
    return (
        ("enable", 1),
        ("row", row_bits(hw)),
        ("slot", hw.index_bits),
        ("values", (cols, hw.numbers.weight_bits)),
        ("index", (cols, hw.index_bits)),
    )


def pe_write_fields(hw: Hardware) -> Fields:
    """The write that travels along a row of PEs."""
    return (("address", slot_bits(hw)), ("enable", 1))


def pe_weight_fields(hw: Hardware) -> Fields:
    """An entry of a PE's weight memory, as it comes down a column's bus."""
    return (("value", hw.numbers.weight_bits), ("index", hw.index_bits))


def weight_fields(hw: Hardware) -> Fields:
    """A word of the weight stream."""
    return (("data", hw.word_bits), ("last", 1))


def field_bits(field: Field) -> int:
    """Width of one field."""
    shape = field[1]
    return shape if isinstance(shape, int) else shape[0] * shape[1]


def word_bits(fields: Fields) -> int:
    """Width of the whole word."""
    return sum(field_bits(field) for field in fields)


def pack(fields: Fields, values: Mapping[str, FieldValue]) -> int:
    """The word that holds `values`; signed values become their two's-complement bits.

    Raises:
        KeyError: a field has no value.
    """
    word, offset = 0, 0
    for name, shape in fields:
        value = values[name]
        if isinstance(value, int):
            bits = field_bits((name, shape))
            word |= (value & ((1 << bits) - 1)) << offset
            offset += bits
        else:
            bits = shape if isinstance(shape, int) else shape[1]
            word |= pack_array(value, bits) << offset
            offset += field_bits((name, shape))
    return word


def pack_array(values: Sequence[int], bits: int) -> int:
    """Elements of `bits` bits side by side, element 0 lowest."""
    mask, word = (1 << bits) - 1, 0
    for position, value in enumerate(values):
        word |= (int(value) & mask) << (position * bits)
    return word


def unpack_array(word: int, count: int, bits: int, signed: bool = False) -> list[int]:
    """Inverse of `pack_array`: `count` elements, unsigned unless `signed`."""
    mask, sign = (1 << bits) - 1, 1 << (bits - 1) if signed else 0
    return [(((word >> (position * bits)) & mask) ^ sign) - sign for position in range(count)]


def field_of(fields: Fields, word: int, name: str) -> int:
    """One field of a word, as unsigned bits.

    Raises:
        KeyError: there is no such field.
    """
    offset = 0
    for field in fields:
        if field[0] == name:
            return (word >> offset) & ((1 << field_bits(field)) - 1)
        offset += field_bits(field)
    raise KeyError(name)


def unpack(fields: Fields, word: int) -> dict[str, int]:
    """Every field of a word, as unsigned bits; an array stays packed."""
    values: dict[str, int] = {}
    for field in fields:
        bits = field_bits(field)
        values[field[0]] = word & ((1 << bits) - 1)
        word >>= bits
    return values
