"""The statistics of all tiles of a node at once, from the nonzeros of their groups: nothing is packed."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.arrays import Bytes, Int8Array, Int64Array
from skipbeat_arch.command import Encoding, metadata_bits
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.tile import TileStatistics, stored_columns

#: More words than any tile has: the encoding cannot hold it.
NEVER = 1 << 40
#: Weights that are counted at a time: what they take meanwhile fits the caches of a processor.
_AT_ONCE = 1 << 18


def group_counts(weight: Int8Array, group: int) -> Bytes:
    """Nonzeros of every group of `group` channels: weights int8 [taps, C, K] as uint8 [taps, groups, K]."""
    taps, channels, outputs = weight.shape
    groups = -(-channels // group)
    if not any(weight.strides):  # one weight for all
        sizes = np.minimum(group, channels - np.arange(groups) * group)
        one = (sizes * (weight[:1, :1, :1] != 0).any()).astype(np.uint8)
        return np.broadcast_to(one[:, None], (taps, groups, outputs))
    if outputs > 1 and not weight.strides[2]:  # all outputs alike
        return np.broadcast_to(group_counts(weight[:, :, :1], group), (taps, groups, outputs))
    counts = np.zeros((taps, groups, outputs), np.uint8)
    step = max(1, _AT_ONCE // (taps * group * outputs))
    for first in range(0, groups, step):
        there = (weight[:, first * group : (first + step) * group] != 0).view(np.uint8)
        found = counts[:, first : first + step]
        for position in range(min(group, there.shape[1])):
            part = there[:, position::group]
            found[:, : part.shape[1]] += part
    return counts


def different_columns(counts: Bytes, width: int) -> tuple[Bytes, Int64Array]:
    """Counts of column tiles of which none is known to be like another one, and which of them each column tile has.

    Args:
        counts: of each output, uint8 [..., K]; those that are the same for all outputs may have a stride of 0.
        width: outputs of a column tile.

    Returns:
        uint8 [..., fewer K] and int64 [columns].
    """
    outputs = counts.shape[-1]
    columns = -(-outputs // width)
    kinds = np.arange(columns)
    if columns == 1 or counts.strides[-1]:
        return counts, kinds
    last = outputs - (columns - 1) * width
    kinds = np.where(kinds < columns - 1, 0, int(last < width))
    return counts[..., : width + last * (last < width)], kinds


def outputs_above(counts: Bytes, width: int) -> Bytes:
    """Of every column tile of `width` outputs how many have more than s nonzeros: uint8 [s, ..., columns].

    Args:
        counts: of each output, uint8 [..., K]; those that are the same for all outputs may have a stride of 0.
    """
    *shape, outputs = counts.shape
    columns, alike = -(-outputs // width), outputs > 1 and not counts.strides[-1]
    counts = counts[..., :1] if alike else counts
    levels = range(max(int(counts.max(initial=0)), 1))
    if alike:
        widths = np.minimum(width, outputs - np.arange(columns) * width).astype(np.uint8)
        return np.stack([(counts > level) * widths for level in levels])
    if outputs != columns * width:
        padded = np.zeros((*shape, columns * width), np.uint8)
        padded[..., :outputs] = counts
        counts = padded
    if width % 8:  # bits of a byte are of one column tile
        counts = counts.reshape(*shape, columns, width)
    bits = (np.packbits(counts > level, axis=-1).reshape(*shape, columns, -1) for level in levels)
    return np.stack([_bits_set(each) for each in bits])


def _bits_set(packed: Bytes) -> Bytes:
    """How many bits each row of bytes has: uint8 [..., bytes] as uint8 [...]."""
    size = packed.shape[-1]
    if size in (2, 4, 8):
        return np.asarray(np.bitwise_count(packed.view(f"u{size}")[..., 0]), np.uint8)
    return np.asarray(np.bitwise_count(packed).sum(axis=-1, dtype=np.uint8), np.uint8)


def cell_slots(arranged: Bytes, width: int) -> Bytes:
    """Of every cell in every column tile of `width` outputs: how many outputs have more than s nonzeros there.

    Args:
        arranged: nonzeros uint8 [tiles, R, K], see `Banks.arrange_counts`.

    Returns:
        uint8 [tiles, columns, R, s]; those that are not 0 count the cell's b.
    """
    above = outputs_above(arranged, width)
    return np.ascontiguousarray(above.transpose(1, 3, 2, 0))


def tile_statistics(slots: Bytes, outputs: int, hw: Hardware) -> list[list[tuple[int, TileStatistics]]]:
    """For each column tile the numbers and statistics of the tiles that have weights.

    Each tile takes the encoding with the fewest words. Tiles of equal statistics share an object.

    Args:
        slots: of the cells in each row, uint8 [tiles, columns, R, s], see `cell_slots`.
        outputs: K.
        hw: the hardware.
    """
    width, columns = hw.array.cols, slots.shape[1]
    measured = _Measured(slots, np.minimum(width, outputs - np.arange(columns) * width), hw)
    distinct, kinds = measured.distinct()
    return [
        [(int(number), distinct[kinds[number, column]]) for number in np.flatnonzero(measured.beat[:, column])]
        for column in range(columns)
    ]


class _Measured:
    """Measures of all tiles, int64 [tiles, columns].

    Attributes:
        beat: b, 0 without weights.
    """

    def __init__(self, slots: Bytes, outputs: Int64Array, hw: Hardware) -> None:
        self._slots, self._hw = slots, hw
        live = slots[..., 0] > 0
        self._rows = (live * np.arange(1, live.shape[2] + 1)).max(axis=2)
        self.beat = (slots > 0).any(axis=2).sum(axis=2)
        self._nonzeros = slots.sum(axis=(2, 3), dtype=np.int64)
        self._outputs = np.broadcast_to(outputs, self.beat.shape)
        self._stored = np.array([stored_columns(count, hw) for count in outputs.tolist()])
        words = np.stack([self._words(encoding) for encoding in Encoding])
        self._encoding = words.argmin(axis=0)
        self._word_count = words.min(axis=0)

    def _words(self, encoding: Encoding) -> Int64Array:
        """Words in an encoding; `NEVER` where it cannot hold a tile."""
        array, word_bits = self._hw.array, self._hw.word_bits
        metadata = self._rows * array.cols * self._metadata_bits(encoding)
        values = self._nonzeros if encoding == Encoding.BITMAP else self._rows * self._stored * self.beat
        words: Int64Array = -(-metadata // word_bits) - (-values * self._hw.numbers.weight_bits // word_bits)
        if encoding == Encoding.DENSE:
            return np.where(self.beat == array.group, words, NEVER)
        legal = (self._metadata_bits(encoding) <= array.group) & (not self._hw.is_dense)
        return np.where(legal, words, NEVER)

    def _metadata_bits(self, encoding: Encoding) -> Int64Array:
        """Bits per group; they are proportional to b if they depend on it."""
        group = self._hw.array.group
        if encoding == Encoding.BITMAP:
            return np.full(self.beat.shape, group, np.int64)
        return np.asarray(self.beat * metadata_bits(encoding, 1, group), np.int64)

    def distinct(self) -> tuple[list[TileStatistics], Int64Array]:
        """The different statistics, and which of them each tile [tiles, columns] has."""
        measures = np.stack([self._encoding, self.beat, self._rows, self._outputs, self._nonzeros], axis=-1)
        shape = self.beat.shape
        stored = np.where((self._encoding == Encoding.BITMAP)[..., None, None], self._slots, 0)
        rows = np.concatenate(
            [measures.astype("<i4").reshape(-1, 5).view(np.uint8), stored.reshape(shape[0] * shape[1], -1)], axis=1
        )
        keys = np.ascontiguousarray(rows).view([("", np.void, rows.shape[1])]).ravel()
        _, first, kinds = np.unique(keys, return_index=True, return_inverse=True)
        places = zip(*np.unravel_index(first, shape), strict=True)
        return [self._statistics(int(tile), int(column)) for tile, column in places], kinds.reshape(shape)

    def _statistics(self, tile: int, column: int) -> TileStatistics:
        at, hw = (tile, column), self._hw
        encoding, beat, rows = Encoding(int(self._encoding[at])), int(self.beat[at]), int(self._rows[at])
        outputs, nonzeros = int(self._outputs[at]), int(self._nonzeros[at])
        slots = np.full((rows, beat), stored_columns(outputs, hw), np.int64)
        if encoding == Encoding.BITMAP:
            slots = self._slots[tile, column, :rows, :beat].astype(np.int64)
        return TileStatistics(
            word_count=int(self._word_count[at]),
            encoding=encoding,
            beat=beat,
            rows=rows,
            cols=outputs,
            value_bits=int(slots.sum()) * hw.numbers.weight_bits,
            metadata_bits=rows * hw.array.cols * metadata_bits(encoding, beat, hw.array.group),
            nonzeros=nonzeros,
            slots=slots,
        )
