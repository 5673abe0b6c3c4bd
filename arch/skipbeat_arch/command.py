"""The core's command: one pass of one tile over the pixels of a block.

Commands are executed in order. A command with `load` names the next tile of the weight stream; the core loads
that tile into its spare bank as early as the banks allow, and starts the pass when the bank is full.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

from .errors import InputError
from .hardware import Hardware


class Encoding(IntEnum):
    """How a tile's weights are stored; 3 is reserved and raises an error in the core."""

    DENSE = 0
    BITMAP = 1
    COORDINATE = 2


class CoreError(IntEnum):
    """Code on the core's `error` port; 0 means none. The first error stays until reset."""

    NONE = 0
    RESERVED_ENCODING = 1
    BAD_GEOMETRY = 2
    TOO_MANY_NONZEROS = 3
    COORDINATES_NOT_ASCENDING = 4
    TRUNCATED_TILE = 5
    OVERLONG_TILE = 6
    NO_SUCH_TILE = 7


#: Fields of a command word, lowest bit first.
COMMAND_FIELDS: tuple[tuple[str, int], ...] = (
    ("pixels", 16),
    ("beat", 6),
    ("rows", 7),
    ("cols", 7),
    ("encoding", 2),
    ("load", 1),
    ("first", 1),
    ("last", 1),
)
COMMAND_BITS = sum(bits for _, bits in COMMAND_FIELDS)


@dataclass(frozen=True, kw_only=True)
class Command:
    """One pass.

    Attributes:
        pixels: pixels of the block, 1..accumulators.depth.
        beat: b, the steps per pixel, 1..M; 0 is the null pass: no bundles are read, zeros are added.
        rows, cols: the part of the array that the tile fills; rows beyond it see zero bundles.
        encoding: encoding of the tile (only with `load`).
        load: the pass begins with the next tile of the weight stream; otherwise the resident tile is used
            again, and `beat` and `rows` must be that tile's.
        first: the accumulators start from zero.
        last: the sums leave through the result port and are not kept.
    """

    pixels: int
    beat: int
    rows: int
    cols: int
    encoding: Encoding = Encoding.DENSE
    load: bool = True
    first: bool = True
    last: bool = True

    @cached_property
    def word(self) -> int:
        """`to_word`, computed once."""
        return self.to_word()

    def to_word(self) -> int:
        """The command as the integer that the port carries."""
        word, offset = 0, 0
        for name, bits in COMMAND_FIELDS:
            value = int(getattr(self, name))
            if not 0 <= value < 1 << bits:
                raise InputError(f"command: {name} must fit in {bits} bits, not {value}")
            word |= value << offset
            offset += bits
        return word

    @classmethod
    def from_word(cls, word: int) -> Command:
        """Inverse of `to_word`.

        Raises:
            InputError: a reserved encoding, or bits beyond the last field.
        """
        fields: dict[str, int] = {}
        for name, bits in COMMAND_FIELDS:
            fields[name] = word & ((1 << bits) - 1)
            word >>= bits
        if word:
            raise InputError("command: bits beyond the last field are set")
        if fields["encoding"] not in list(Encoding):
            raise InputError(f"command: encoding {fields['encoding']} is reserved")
        return cls(
            pixels=fields["pixels"],
            beat=fields["beat"],
            rows=fields["rows"],
            cols=fields["cols"],
            encoding=Encoding(fields["encoding"]),
            load=bool(fields["load"]),
            first=bool(fields["first"]),
            last=bool(fields["last"]),
        )


def metadata_bits(encoding: int, beat: int, group: int) -> int:
    """Bits of metadata per group: 0 dense, M bitmap, `beat * log2 M` coordinate."""
    if encoding == Encoding.BITMAP:
        return group
    return beat * (group - 1).bit_length() if encoding == Encoding.COORDINATE else 0


def command_error(word: int, hw: Hardware) -> CoreError:
    """The error that the core raises for this command by itself, `NONE` if it is sound.

    A null pass (`beat` 0) has neither tile nor rows. A dense tile has b = M. Coordinates may not need more bits than
    a bitmap: no packer would choose them, and the decoder has no room for them.
    """
    fields, rest = {}, word
    for name, bits in COMMAND_FIELDS:
        fields[name] = rest & ((1 << bits) - 1)
        rest >>= bits
    if not 1 <= fields["pixels"] <= hw.accumulators.depth:
        return CoreError.BAD_GEOMETRY
    if fields["beat"] == 0:
        return CoreError.BAD_GEOMETRY if fields["load"] else CoreError.NONE
    if fields["beat"] > hw.array.group or not 1 <= fields["rows"] <= hw.array.rows:
        return CoreError.BAD_GEOMETRY
    if not fields["load"]:
        return CoreError.NONE
    if fields["encoding"] == 3:
        return CoreError.RESERVED_ENCODING
    if not 1 <= fields["cols"] <= hw.array.cols:
        return CoreError.BAD_GEOMETRY
    if metadata_bits(fields["encoding"], fields["beat"], hw.array.group) > hw.array.group:
        return CoreError.BAD_GEOMETRY
    if fields["encoding"] == Encoding.DENSE and fields["beat"] != hw.array.group:
        return CoreError.BAD_GEOMETRY
    return CoreError.NONE
