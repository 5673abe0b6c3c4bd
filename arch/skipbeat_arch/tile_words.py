"""The words of many tiles of one size at once; `tile` has the format."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import BoolArray, Bytes, Int8Array, Int64Array
from .command import Encoding, metadata_bits
from .hardware import Hardware


@dataclass(frozen=True, kw_only=True, eq=False)
class SlotTable:
    """The `beat` slots of each group of tiles; a dense tile has as many as there are positions.

    A bitmap stores the nonzeros, ascending, in the first slots; the slots after them are not used. The other encodings
    use every slot: a group with fewer than `beat` nonzeros is filled up with the lowest positions that are free, so
    that all its positions stay ascending.

    Attributes:
        positions: uint8 [tiles, rows, beat, cols]; 0 where a slot is not used.
        values: int8 [tiles, rows, beat, cols].
        counts: used slots of each group, uint8 [tiles, rows, cols].
    """

    positions: Bytes
    values: Int8Array
    counts: Bytes

    @classmethod
    def of(cls, weights: Int8Array, beat: int, encoding: Encoding) -> SlotTable:
        """The table of tiles int8 [tiles, rows, M, cols] whose groups have at most `beat` nonzeros."""
        tiles, rows, group, cols = weights.shape
        if encoding == Encoding.DENSE:
            places = np.broadcast_to(np.arange(group, dtype=np.uint8)[:, None], weights.shape)
            return cls(positions=places, values=weights, counts=np.full((tiles, rows, cols), group, np.uint8))
        counts, free = np.zeros((2, tiles, rows, cols), np.uint8)
        positions, values = np.zeros((2, tiles, rows, beat, cols), np.uint8)
        if encoding == Encoding.COORDINATE:
            free += np.uint8(beat) - np.count_nonzero(weights, axis=2).astype(np.uint8)
        for position in range(group):
            own = weights[:, :, position].view(np.uint8)
            filled = ((own == 0) & (free > 0)).view(np.uint8)
            free -= filled
            chosen = (own != 0).view(np.uint8) | filled
            for slot in range(min(position + 1, beat)):
                here = chosen * (counts == slot)
                values[:, :, slot] += own * here
                positions[:, :, slot] += np.uint8(position) * here
            counts += chosen
        return cls(positions=positions, values=values.view(np.int8), counts=counts)

    @property
    def used(self) -> BoolArray:
        """Which slots are used, bool [tiles, rows, beat, cols]."""
        return np.arange(self.values.shape[2])[:, None] < self.counts[:, :, None]


@dataclass(frozen=True, kw_only=True, eq=False)
class TileWords:
    """Tiles as they lie in memory, one behind the other.

    Attributes:
        words: uint8 [words of all tiles, ceil(word_bits / 8)], little-endian.
        begins: the first word of each tile, and how many there are, int64 [tiles + 1].
        slots: values that each row stores in each slot, int64 [tiles, rows, beat].
    """

    words: Bytes
    begins: Int64Array
    slots: Int64Array

    @classmethod
    def of(cls, weights: Int8Array, beat: int, encoding: Encoding, hw: Hardware) -> TileWords:
        """Tiles int8 [tiles, rows, M, cols], of which each group has at most `beat` nonzeros.

        Nothing is checked: `pack_tile` says what may be packed.
        """
        table = SlotTable.of(weights, beat, encoding)
        used, values = table.used, table.values
        more = hw.array.cols - weights.shape[3] if hw.is_dense else 0
        if more:
            beyond = ((0, 0), (0, 0), (0, 0), (0, more))
            values, used = np.pad(values, beyond), np.pad(used, beyond, constant_values=True)
        slots = used.sum(axis=3, dtype=np.int64)
        metadata = _to_words(_metadata(weights, table, encoding, hw), hw)
        stored = slots.sum(axis=(1, 2))
        ends, first = np.cumsum(stored), metadata.shape[1]
        flat, bits = values[used], hw.numbers.weight_bits
        begins = np.append(0, np.cumsum(first + -(-stored * bits // hw.word_bits)))
        words = np.zeros((int(begins[-1]), metadata.shape[2]), np.uint8)
        for tile, at, stop, own in zip(
            range(len(weights)), begins.tolist(), ends.tolist(), stored.tolist(), strict=False
        ):
            words[at : at + first] = metadata[tile]
            part = flat[stop - own : stop].view(np.uint8)
            if bits == 8:
                words[at + first :].reshape(-1)[: part.size] = part
            else:
                planes = np.unpackbits(part[:, None], axis=1, count=bits, bitorder="little")
                found = _to_words(planes.reshape(1, -1), hw)[0]
                words[at + first : at + first + len(found)] = found
        return cls(words=words, begins=begins, slots=slots)


def _metadata(weights: Int8Array, table: SlotTable, encoding: Encoding, hw: Hardware) -> Bytes:
    """The metadata sections as bits, [tiles, rows · C_arr · bits of a group]."""
    (tiles, rows, group, cols), beat = weights.shape, table.values.shape[2]
    planes = np.zeros((tiles, rows, hw.array.cols, metadata_bits(encoding, beat, group)), np.uint8)
    if encoding == Encoding.BITMAP:
        for position in range(group):
            planes[:, :, :cols, position] = weights[:, :, position] != 0
    elif encoding == Encoding.COORDINATE:
        for slot in range(beat):
            for bit in range(hw.index_bits):
                planes[:, :, :cols, slot * hw.index_bits + bit] = table.positions[:, :, slot] >> bit & 1
    return planes.reshape(tiles, -1)


def _to_words(bits: Bytes, hw: Hardware) -> Bytes:
    """Bits [tiles, bits] as words [tiles, words, bytes of a word]."""
    tiles, size = bits.shape
    count = -(-size // hw.word_bits)
    if size != count * hw.word_bits:
        padded = np.zeros((tiles, count * hw.word_bits), np.uint8)
        padded[:, :size] = bits
        bits = padded
    return np.packbits(bits.reshape(tiles, count, hw.word_bits), axis=2, bitorder="little")
