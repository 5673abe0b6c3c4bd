"""The compressed-weight format: a tile of decoded slots, packed into words and back.

A tile holds, for each of its `rows` × `cols` groups, up to b nonzero weights with their positions. In memory it
is one metadata section followed by one value section, each padded with zeros to a whole word of C_arr values.

- metadata, for rows 0..rows-1 and all C_arr columns, least significant bit first: bitmap, M bits per group;
  coordinate, b positions of log2 M bits, ascending; dense, none.
- values: for each row, for each slot 0..b-1, the values of the columns that still have one, in column order.
  Bitmap stores nonzeros only; coordinate and dense store b values for each column below `cols`.

With M = 1 a tile is dense and each row is a whole word: columns from `cols` on are stored as zeros, and nothing has to
be aligned.

The last word of a tile carries the stream's `last` flag.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .arrays import BoolArray, Bytes, Int8Array, Int64Array
from .command import Command, Encoding, metadata_bits
from .errors import InputError
from .hardware import Hardware
from .numbers import integer_range
from .tile_words import TileWords


@dataclass(frozen=True, kw_only=True, eq=False)
class TileStatistics:
    """What timing and events of a tile depend on: everything but its values and their positions.

    Attributes:
        word_count: words in memory, metadata and values.
        encoding: which of the three; `beat`: b; `rows`, `cols`: the groups it holds.
        value_bits, metadata_bits: stored bits without padding.
        nonzeros: weights that are not zero (coordinate and dense may store zeros as well).
        slots: int64 [rows, beat]: values stored for each row and slot, in stream order (the timing model's input).
    """

    word_count: int
    encoding: Encoding
    beat: int
    rows: int
    cols: int
    value_bits: int
    metadata_bits: int
    nonzeros: int
    slots: Int64Array

    def command(self, pixels: int, *, first: bool, last: bool) -> Command:
        """The pass that loads this tile."""
        return Command(
            pixels=pixels,
            beat=self.beat,
            rows=self.rows,
            cols=self.cols,
            encoding=self.encoding,
            load=True,
            first=first,
            last=last,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class PackedTile(TileStatistics):
    """A tile as it lies in memory.

    Attributes:
        words: uint8 [words, ceil(word_bits / 8)], little-endian.
    """

    words: Bytes
    word_count: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "word_count", len(self.words))


def tile_beat(weights: Int8Array) -> int:
    """b of a tile [rows, M, cols]: nonzeros of its fullest group; 0 if there are none."""
    return int(np.count_nonzero(weights, axis=1).max(initial=0))


def legal_encodings(beat: int, hw: Hardware) -> list[Encoding]:
    """The encodings that can hold a tile of this b: dense only b = M, coordinate only if no larger than bitmap.

    A machine with M = 1 reads no other than dense.
    """
    if hw.is_dense:
        return [Encoding.DENSE]
    legal = [Encoding.BITMAP]
    if beat == hw.array.group:
        legal.append(Encoding.DENSE)
    if metadata_bits(Encoding.COORDINATE, beat, hw.array.group) <= hw.array.group:
        legal.append(Encoding.COORDINATE)
    return sorted(legal)


def stored_columns(cols: int, hw: Hardware) -> int:
    """Columns whose values a tile of `cols` columns may store: with M = 1 those of a whole word."""
    return hw.array.cols if hw.is_dense else cols


def pack_tile(weights: Int8Array, hw: Hardware, encoding: Encoding | None = None) -> PackedTile:
    """Pack a tile of weights int8 [rows, M, cols]; without `encoding`, in the one with the fewest words.

    Raises:
        InputError: a shape that the array does not have, a value that `weight_bits` cannot hold, no nonzero at
            all, or an encoding that cannot hold this tile.
    """
    rows, group, cols = weights.shape
    if group != hw.array.group or not 1 <= rows <= hw.array.rows or not 1 <= cols <= hw.array.cols:
        raise InputError(f"tile of shape {weights.shape} does not fit {hw.name} (rows, M, cols)")
    low, high = integer_range(hw.numbers.weight_bits)
    if weights.min() < low or weights.max() > high:
        raise InputError(f"tile: weights must be in {low}..{high}")
    beat = tile_beat(weights)
    if beat == 0:
        raise InputError("tile: it has no nonzero weight, so there is no pass to issue")
    legal = legal_encodings(beat, hw)
    if encoding is None:
        candidates = [_pack(weights, beat, e, hw) for e in legal]
        return min(candidates, key=lambda tile: len(tile.words))
    if encoding not in legal:
        raise InputError(f"tile: {encoding.name.lower()} cannot hold b = {beat} at M = {group}")
    return _pack(weights, beat, encoding, hw)


def _pack(weights: Int8Array, beat: int, encoding: Encoding, hw: Hardware) -> PackedTile:
    rows, group, cols = weights.shape
    packed = TileWords.of(weights[None], beat, encoding, hw)
    return PackedTile(
        words=packed.words,
        encoding=encoding,
        beat=beat,
        rows=rows,
        cols=cols,
        value_bits=int(packed.slots.sum()) * hw.numbers.weight_bits,
        metadata_bits=rows * hw.array.cols * metadata_bits(encoding, beat, group),
        nonzeros=int(np.count_nonzero(weights)),
        slots=packed.slots[0],
    )


def unpack_tile(tile: PackedTile, hw: Hardware) -> Int8Array:
    """Inverse of `pack_tile`: int8 [rows, M, cols].

    Raises:
        InputError: the words contradict the descriptor (too many nonzeros, descending coordinates, or more or
            fewer words than the tile needs).
    """
    meta_bits = metadata_bits(tile.encoding, tile.beat, hw.array.group)
    meta_size = tile.rows * hw.array.cols * meta_bits
    meta_words = -(-meta_size // hw.word_bits)
    bits = np.unpackbits(tile.words, axis=1, count=hw.word_bits, bitorder="little")
    if len(bits) < meta_words:
        raise InputError(f"tile: truncated: {len(bits)} words, metadata alone needs {meta_words}")
    columns = stored_columns(tile.cols, hw)
    meta = bits[:meta_words].ravel()[:meta_size].reshape(tile.rows, hw.array.cols, meta_bits)[:, :columns]
    positions, used = _read_metadata(meta, tile, hw)
    count, width = int(used.sum()), hw.numbers.weight_bits
    if len(bits) - meta_words != -(-count * width // hw.word_bits):
        raise InputError(f"tile: {len(bits)} words, but its metadata asks for another number")
    planes = bits[meta_words:].ravel()[: count * width].reshape(count, width).astype(np.int64)
    stored = (planes << np.arange(width)).sum(axis=1)
    stored -= (stored >> (width - 1)) << width
    values = np.zeros((tile.rows, tile.beat, columns), np.int8)
    values[used.transpose(0, 2, 1)] = stored
    out = np.zeros((tile.rows, columns, hw.array.group), np.int8)
    np.put_along_axis(out, positions, values.transpose(0, 2, 1), axis=2)
    return out[:, : tile.cols].transpose(0, 2, 1)


def _read_metadata(meta: Bytes, tile: PackedTile, hw: Hardware) -> tuple[Int64Array, BoolArray]:
    """Positions and use of each slot, [rows, cols, beat]."""
    shape = (*meta.shape[:2], tile.beat)
    if tile.encoding == Encoding.DENSE:
        return np.broadcast_to(np.arange(tile.beat), shape), np.ones(shape, np.bool_)
    if tile.encoding == Encoding.BITMAP:
        counts = meta.sum(axis=2)
        if counts.max() > tile.beat:
            raise InputError(f"tile: a group has {counts.max()} nonzeros, more than b = {tile.beat}")
        positions = np.argsort(1 - meta, axis=2, kind="stable")[:, :, : tile.beat]
        return positions.astype(np.int64), np.arange(tile.beat) < counts[:, :, None]
    fields = meta.reshape(*shape, hw.index_bits).astype(np.int64)
    positions = (fields << np.arange(hw.index_bits)).sum(axis=3)
    if np.any(np.diff(positions, axis=2) <= 0):
        raise InputError("tile: coordinates are not ascending")
    return positions, np.ones(shape, np.bool_)
