"""Words of bits as frozen dataclasses: each field's name, width and meaning is declared once, in the class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import IntEnum
from typing import Any, ClassVar, NamedTuple, Self, get_type_hints

from .errors import InputError


def bits(
    width: int,
    *,
    signed: bool = False,
    least: int | None = None,
    names: type[IntEnum] | None = None,
    address: bool = False,
    seldom: bool = False,
    default: Any = 0,
) -> Any:
    """Declares a field of `width` bits; fields lie one after the other, the first one lowest.

    Args:
        signed: two's complement.
        least: the smallest value that makes sense; smaller ones fit, but `Word.to_word` refuses them.
        names: names of values. A value without a name is possible: the hardware answers it with an error.
        address: text has it in hexadecimal.
        seldom: text has it only if it is not 0.
        default: `dataclasses.MISSING` if there is none.
    """
    declared = {"width": width, "signed": signed, "least": least, "names": names, "address": address}
    declared["seldom"] = seldom
    return field(default=default, metadata=declared)


class BitField(NamedTuple):
    """A field of a word.

    Attributes:
        kind: int, bool or a `Word`.
        lowest, highest: the values that it holds.
        least: the smallest value that makes sense.
    """

    name: str
    kind: type[int] | type[Word]
    offset: int
    width: int
    lowest: int
    highest: int
    least: int | None
    names: type[IntEnum] | None
    address: bool
    seldom: bool


@dataclass(frozen=True, kw_only=True)
class Word:
    """A word whose fields are declared by `bits`; a field that is a `Word` itself has that word's width."""

    #: What errors call it.
    title: ClassVar[str] = "word"

    @classmethod
    def bit_fields(cls) -> tuple[BitField, ...]:
        """The fields, lowest bits first."""
        if cls not in _KNOWN:
            _KNOWN[cls] = _bit_fields(cls)
        return _KNOWN[cls]

    @classmethod
    def layout(cls) -> tuple[tuple[str, int], ...]:
        """Names and widths of the fields, lowest bits first."""
        return tuple((each.name, each.width) for each in cls.bit_fields())

    @classmethod
    def bit_count(cls) -> int:
        """Bits of the whole word."""
        return sum(each.width for each in cls.bit_fields())

    @classmethod
    def largest(cls, name: str) -> int:
        """The largest value of a field.

        Raises:
            KeyError: there is no such field.
        """
        return {each.name: each.highest for each in cls.bit_fields()}[name]

    def to_word(self) -> int:
        """The word as an unsigned integer.

        Raises:
            InputError: a field does not fit, or makes no sense.
        """
        word = 0
        for each in self.bit_fields():
            value = getattr(self, each.name)
            value = value.to_word() if isinstance(value, Word) else int(value)
            if not each.lowest <= value <= each.highest:
                raise InputError(f"{self.title}: {each.name} must fit in {each.width} bits, not {value}")
            if each.least is not None and value < each.least:
                raise InputError(f"{self.title}: {each.name} must be at least {each.least}")
            word |= (value & ((1 << each.width) - 1)) << each.offset
        return word

    @classmethod
    def from_word(cls, word: int) -> Self:
        """Inverse of `to_word`; whether the values make sense is not asked.

        Raises:
            InputError: bits beyond the last field.
        """
        if word >> cls.bit_count():
            raise InputError(f"{cls.title}: bits beyond the last field are set")
        return cls.of_bits(word)

    @classmethod
    def of_bits(cls, word: int, **others: Any) -> Self:
        """The word in the lowest bits; `others` are attributes that are no fields of bits."""
        return cls(**{each.name: _value(each, word >> each.offset) for each in cls.bit_fields()}, **others)

    def values(self) -> Mapping[str, int]:
        """Every field as a number, lowest bits first; the fields of a word inside it stand in its place."""
        out: dict[str, int] = {}
        for each in self.bit_fields():
            value = getattr(self, each.name)
            out |= value.values() if isinstance(value, Word) else {each.name: int(value)}
        return out

    @classmethod
    def of_values(cls, values: Mapping[str, int], **others: Any) -> Self:
        """Inverse of `values`; a field that is left out is 0."""
        found: dict[str, Any] = {}
        for each in cls.bit_fields():
            kind = each.kind
            found[each.name] = kind.of_values(values) if issubclass(kind, Word) else kind(values.get(each.name, 0))
        return cls(**found, **others)

    @classmethod
    def flat_fields(cls) -> dict[str, BitField]:
        """Fields by name, those of a word inside it in its place; offsets are those in the whole word."""
        out: dict[str, BitField] = {}
        for each in cls.bit_fields():
            inner = each.kind.flat_fields() if issubclass(each.kind, Word) else {}
            moved = {name: own._replace(offset=each.offset + own.offset) for name, own in inner.items()}
            out |= moved or {each.name: each}
        return out


def _value(each: BitField, word: int) -> object:
    word &= (1 << each.width) - 1
    if issubclass(each.kind, Word):
        return each.kind.of_bits(word)
    value = word - (1 << each.width) if word > each.highest else word
    return value if each.kind is int else each.kind(value)


_KNOWN: dict[type[Word], tuple[BitField, ...]] = {}


def _bit_fields(cls: type[Word]) -> tuple[BitField, ...]:
    found, offset, hints = [], 0, get_type_hints(cls)
    for each in fields(cls):
        kind, declared = hints[each.name], each.metadata
        inner = isinstance(kind, type) and issubclass(kind, Word)
        if not inner and "width" not in declared:
            continue
        width = kind.bit_count() if inner else declared["width"]
        lowest = -(1 << (width - 1)) if declared.get("signed") else 0
        highest = lowest + (1 << width) - 1
        written = bool(declared.get("address")), bool(declared.get("seldom"))
        rest = declared.get("least"), declared.get("names"), *written
        found.append(BitField(each.name, kind, offset, width, lowest, highest, *rest))
        offset += width
    return tuple(found)
