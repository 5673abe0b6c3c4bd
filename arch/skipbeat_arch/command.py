"""The core's command: one pass of one tile over the pixels of a block.

Commands are executed in order. A command with `load` names the next tile of the weight stream; the core loads
that tile into its spare bank as early as the banks allow, and starts the pass when the bank is full.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass
from enum import IntEnum
from functools import cached_property

from .hardware import Hardware
from .word import Word, bits


class Encoding(IntEnum):
    """How a tile's weights are stored; 3 is reserved and raises an error in the core, with M = 1 all but `DENSE` do."""

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


@dataclass(frozen=True, kw_only=True)
class Command(Word):
    """One pass.

    Attributes:
        pixels: pixels of the block, 1..accumulators.depth.
        beat: b, the steps per pixel, 1..M; 0 is the null pass: no bundles are read, zeros are added.
        rows, cols: the part of the array that the tile fills; rows beyond it see zero bundles.
        encoding: `Encoding` of the tile (only with `load`).
        load: the pass begins with the next tile of the weight stream; otherwise the resident tile is used
            again, and `beat` and `rows` must be that tile's.
        first: the accumulators start from zero.
        last: the sums leave through the result port and are not kept.
    """

    title = "command"

    pixels: int = bits(16, default=MISSING)
    beat: int = bits(6, default=MISSING)
    rows: int = bits(7, default=MISSING)
    cols: int = bits(7, default=MISSING)
    encoding: int = bits(2, names=Encoding, default=Encoding.DENSE)
    load: bool = bits(1, default=True)
    first: bool = bits(1, default=True)
    last: bool = bits(1, default=True)

    @cached_property
    def word(self) -> int:
        """`to_word`, computed once."""
        return self.to_word()


COMMAND_BITS = Command.bit_count()


def metadata_bits(encoding: int, beat: int, group: int) -> int:
    """Bits of metadata per group: 0 dense, M bitmap, `beat * log2 M` coordinate."""
    if encoding == Encoding.BITMAP:
        return group
    return beat * (group - 1).bit_length() if encoding == Encoding.COORDINATE else 0


def command_error(command: Command, hw: Hardware) -> CoreError:
    """The error that the core raises for this command by itself, `NONE` if it is sound.

    A null pass (`beat` 0) has neither tile nor rows. A dense tile has b = M. Coordinates may not need more bits than
    a bitmap: no packer would choose them, and the decoder has no room for them.
    """
    if not 1 <= command.pixels <= hw.accumulators.depth:
        return CoreError.BAD_GEOMETRY
    if command.beat == 0:
        return CoreError.BAD_GEOMETRY if command.load else CoreError.NONE
    if command.beat > hw.array.group or not 1 <= command.rows <= hw.array.rows:
        return CoreError.BAD_GEOMETRY
    if not command.load:
        return CoreError.NONE
    if command.encoding not in ([Encoding.DENSE] if hw.is_dense else list(Encoding)):
        return CoreError.RESERVED_ENCODING
    if not 1 <= command.cols <= hw.array.cols:
        return CoreError.BAD_GEOMETRY
    if metadata_bits(command.encoding, command.beat, hw.array.group) > hw.array.group:
        return CoreError.BAD_GEOMETRY
    if command.encoding == Encoding.DENSE and command.beat != hw.array.group:
        return CoreError.BAD_GEOMETRY
    return CoreError.NONE
