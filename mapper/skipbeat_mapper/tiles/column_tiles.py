"""Column tiles: their tiles one by one, and those of a node as columns of numbers."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.tile import TileStatistics


class Tile(NamedTuple):
    """One reduction tile that has weights.

    Attributes:
        number: of its rows' cells in `NodeTiles.cells`; tiles of the same number read the same activations.
        statistics: as it is packed.
        at: its first word among those of its column tile.
    """

    number: int
    statistics: TileStatistics
    at: int

    @property
    def words(self) -> int:
        """Its words."""
        return self.statistics.word_count


class TileTable(NamedTuple):
    """The tiles of a node's different column tiles as columns of numbers; one without tiles has one, a null pass.

    Attributes:
        begins: the first tile of each kind of column tile, and how many there are, int64 [kinds + 1].
        longest: words of the longest tile of each kind, int64 [kinds].
        cells: of each its number in `NodeTiles.cells`. words: how many; at: the first of them in its column tile.
        number: of its statistics, of a null pass -1 less its outputs. shape: equal for those of equal sizes and
            encodings. beat, rows: its b and rows, of a null pass 0. All int64 [tiles].
        statistics: the different ones.
    """

    begins: Int64Array
    longest: Int64Array
    cells: Int64Array
    words: Int64Array
    at: Int64Array
    number: Int64Array
    shape: Int64Array
    beat: Int64Array
    rows: Int64Array
    statistics: Sequence[TileStatistics]

    @classmethod
    def of(cls, columns: Sequence[Sequence[Tile]], outputs: Sequence[int]) -> TileTable:
        """That of column tiles of so many outputs, one of each kind."""
        different = {id(tile.statistics): tile.statistics for column in columns for tile in column}
        shapes: dict[Hashable, int] = {}
        measures: dict[int, tuple[int, ...]] = {}
        for place, (key, each) in enumerate(different.items()):
            same = shapes.setdefault((each.beat, each.rows, each.cols, each.encoding), len(shapes))
            measures[key] = each.word_count, place, same, each.beat, each.rows
        rows, begins = list[tuple[int, ...]](), [0]
        for column, count in zip(columns, outputs, strict=True):
            rows += [(tile.number, tile.at, *measures[id(tile.statistics)]) for tile in column]
            if not column:
                rows.append((0, 0, 0, -1 - count, shapes.setdefault(count, len(shapes)), 0, 0))
            begins.append(len(rows))
        cells, at, words, number, shape, beat, used = np.array(rows, np.int64).reshape(-1, 7).T
        ends = np.array(begins, np.int64)
        longest = np.maximum.reduceat(words, ends[:-1])
        return cls(ends, longest, cells, words, at, number, shape, beat, used, list(different.values()))


def column_of(tiles: Sequence[tuple[int, TileStatistics]], numbers: Sequence[int]) -> tuple[Tile, ...]:
    """A column tile of numbered tiles in the order of their passes.

    Args:
        tiles: each with its number among those of the column tile.
        numbers: of their rows' cells, by that number.
    """
    every = [tile for _, tile in tiles]
    at = accumulate((tile.word_count for tile in every), initial=0)
    return tuple(map(Tile, [numbers[each] for each, _ in tiles], every, at))


def decoding(tiles: Sequence[Tile], clocks: Mapping[int, int]) -> tuple[int, int]:
    """The decoder's least clocks for all tiles and for the longest, of the clocks for each of their statistics."""
    every = [clocks[id(tile.statistics)] for tile in tiles]
    return sum(every), max(every, default=0)
