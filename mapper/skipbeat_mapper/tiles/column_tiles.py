"""Column tiles: their tiles one by one, as columns of numbers, and before they have a place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple, overload

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.tile import TileStatistics


class Tile(NamedTuple):
    """One reduction tile that has weights.

    Attributes:
        number: of its rows' cells in `NodeTiles.cells`; tiles of the same number read the same activations.
        statistics: as it is packed.
        at: its first word among those of its column tile.
        place: of it among the tiles of its column tile.
    """

    number: int
    statistics: TileStatistics
    at: int
    place: int

    @property
    def words(self) -> int:
        """Its words."""
        return self.statistics.word_count


class Placed(NamedTuple):
    """A tile with its place in the weight buffer."""

    tile: Tile
    at: int

    @property
    def shift(self) -> int:
        """Where its column tile's first word would be."""
        return self.at - self.tile.at


@dataclass(frozen=True, eq=False)
class TilePart:
    """Tiles of a column tile whose passes follow each other."""

    tiles: Sequence[Tile]

    @cached_property
    def places(self) -> Int64Array:
        """Of each its place among the tiles of its column tile, int64 [tiles]."""
        return np.array([tile.place for tile in self.tiles], np.int64)

    @cached_property
    def words(self) -> int:
        """Of all."""
        return sum([tile.words for tile in self.tiles])


class PlacedPart(Sequence[Placed]):
    """The same in the weight buffer, where the column tile's first word would be in place `shift`."""

    __slots__ = ("part", "shift")

    def __init__(self, part: TilePart, shift: int) -> None:
        self.part, self.shift = part, shift

    def __len__(self) -> int:
        return len(self.part.tiles)

    @overload
    def __getitem__(self, number: int) -> Placed: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[Placed]: ...
    def __getitem__(self, number: int | slice) -> Placed | Sequence[Placed]:
        if isinstance(number, slice):
            return [self[each] for each in range(len(self))[number]]
        tile = self.part.tiles[number]
        return Placed(tile, self.shift + tile.at)


class ColumnTile(NamedTuple):
    """The tiles of a column tile by their places.

    Attributes:
        words: of each how many, and the first one, int64 [tiles, 2].
        kind: of each the number of its statistics, int64 [tiles]. statistics: the different ones.
    """

    words: Int64Array
    kind: Int64Array
    statistics: Sequence[TileStatistics]

    @classmethod
    def of(cls, tiles: Sequence[Tile]) -> ColumnTile:
        """That of these tiles, in this order."""
        words = np.array([(tile.words, tile.at) for tile in tiles], np.int64).reshape(-1, 2)
        different = {id(tile.statistics): tile.statistics for tile in tiles}
        number = {each: at for at, each in enumerate(different)}
        kind = np.array([number[id(tile.statistics)] for tile in tiles], np.int64)
        return cls(words, kind, list(different.values()))


def column_of(tiles: Sequence[tuple[int, TileStatistics]], numbers: Sequence[int]) -> tuple[Tile, ...]:
    """A column tile of numbered tiles in the order of their passes.

    Args:
        tiles: each with its number among those of the column tile.
        numbers: of their rows' cells, by that number.
    """
    every = [tile for _, tile in tiles]
    at = accumulate((tile.word_count for tile in every), initial=0)
    return tuple(map(Tile, [numbers[each] for each, _ in tiles], every, at, range(len(every))))


def decoding(tiles: Sequence[Tile], clocks: Mapping[int, int]) -> tuple[int, int]:
    """The decoder's least clocks for all tiles and for the longest, of the clocks for each of their statistics."""
    every = [clocks[id(tile.statistics)] for tile in tiles]
    return sum(every), max(every, default=0)
