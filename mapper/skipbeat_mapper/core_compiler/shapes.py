"""Tile shapes: everything that timing and traffic depend on, without the packed words.

A shape is a `PackedTile` whose words are placeholders (zeros), equal to `pack_tile`'s in every other member and in the
number of words. Shapes of thousands of tiles come out of a few array operations, and equal tiles share one object,
so that whoever prices them can remember it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from skipbeat_arch.arrays import Bytes
from skipbeat_arch.command import Encoding, metadata_bits
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.tile import PackedTile, legal_encodings

Counts = npt.NDArray[np.uint8]
IntArray = npt.NDArray[np.intp]


class ShapeTable:
    """Makes shapes for one hardware description and keeps one object for each that is different."""

    def __init__(self, hw: Hardware) -> None:
        self._hw = hw
        self._known: dict[tuple[object, ...], PackedTile] = {}
        self._blank: Bytes = np.zeros((0, -(-hw.word_bits // 8)), np.uint8)
        self._choices: dict[tuple[int, int, int, int], tuple[Encoding, int]] = {}

    def shapes(self, counts: Counts, rows: IntArray) -> list[PackedTile]:
        """Shapes of tiles with at least one nonzero each.

        Args:
            counts: [tiles, R, cols] nonzeros of each group; rows beyond a tile's own are 0.
            rows: [tiles] rows of each tile.
        """
        group, cols = self._hw.array.group, counts.shape[2]
        beats = counts.max(axis=(1, 2), initial=0)
        nonzeros = counts.sum(axis=(1, 2), dtype=np.int64)
        used = np.stack([(counts > slot).sum(axis=2) for slot in range(group)], axis=2)
        return [
            self._shape(int(row), cols, int(beat), int(nonzero), slots)
            for row, beat, nonzero, slots in zip(rows, beats, nonzeros, used, strict=True)
        ]

    def _shape(self, rows: int, cols: int, beat: int, nonzeros: int, used: npt.NDArray[np.int64]) -> PackedTile:
        encoding, words = self._smallest(rows, cols, beat, nonzeros)
        bitmap = encoding == Encoding.BITMAP
        key = (encoding, rows, cols, beat, nonzeros, used[:rows, :beat].tobytes() if bitmap else b"")
        shape = self._known.get(key)
        if shape is None:
            stored = nonzeros if bitmap else rows * beat * cols
            shape = PackedTile(
                words=self._placeholder(words),
                encoding=encoding,
                beat=beat,
                rows=rows,
                cols=cols,
                value_bits=stored * self._hw.numbers.weight_bits,
                metadata_bits=rows * self._hw.array.cols * metadata_bits(encoding, beat, self._hw.array.group),
                nonzeros=nonzeros,
                slots=used[:rows, :beat].copy() if bitmap else np.full((rows, beat), cols, np.int64),
            )
            self._known[key] = shape
        return shape

    def _smallest(self, rows: int, cols: int, beat: int, nonzeros: int) -> tuple[Encoding, int]:
        """The encoding with the fewest words, and their number."""
        key = (rows, cols, beat, nonzeros)
        if key not in self._choices:
            words = [(self._words(e, *key), e) for e in legal_encodings(beat, self._hw)]
            fewest, encoding = min(words)
            self._choices[key] = (encoding, fewest)
        return self._choices[key]

    def _words(self, encoding: Encoding, rows: int, cols: int, beat: int, nonzeros: int) -> int:
        hw = self._hw
        stored = nonzeros if encoding == Encoding.BITMAP else rows * beat * cols
        meta = rows * hw.array.cols * metadata_bits(encoding, beat, hw.array.group)
        return -(-meta // hw.word_bits) + -(-stored * hw.numbers.weight_bits // hw.word_bits)

    def _placeholder(self, words: int) -> Bytes:
        if len(self._blank) < words:
            self._blank = np.zeros((words, self._blank.shape[1]), np.uint8)
        return self._blank[:words]
