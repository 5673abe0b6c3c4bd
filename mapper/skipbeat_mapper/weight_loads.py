"""When the weights of a node are loaded, and where to."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from skipbeat_arch.depths import FETCHER_ROOM
from skipbeat_arch.engines import Kind

from .column_tiles import PlacedPart, Tile, TilePart
from .memory_map import PlacedNode
from .on_chip import OnChip
from .units import Load, Range, Space

#: Longest part of a column tile's weights in one LOAD, so that its first pass need not wait for all of them.
PART_WORDS = 512


class WeightLoads:
    """Places a node's tiles: all at once, a column tile at a time, or in parts, whatever the buffer allows."""

    def __init__(self, prepared: PlacedNode, chip: OnChip) -> None:
        self._prepared, self._chip = prepared, chip
        self._columns = prepared.tiles.columns
        self._all = prepared.tiles.words <= chip.weights.size
        key, words = prepared.weights_at, prepared.tiles.words
        self._base, new = chip.weights.keep((key, words), words) if self._all else (0, True)
        #: Where the node's first word would be, for column tiles that were loaded and are still there.
        self._kept = {} if new else dict.fromkeys(range(len(self._columns)), self._base)
        #: Whether the last visit of a column tile went through its tiles backwards.
        self._backwards = dict.fromkeys(self._kept, True)
        #: What was found of column tiles: their parts, themselves forwards and backwards, and their longest tiles.
        self._parts = dict[tuple[int, int, int | None], list[TilePart]]()
        self._both, self._longest = dict[int, tuple[TilePart, TilePart]](), dict[int, int]()

    @property
    def streams(self) -> bool:
        """Whether they come anew for every visit of a column tile that is not the last one's."""
        return not self._all

    @property
    def state(self) -> Hashable:
        """Which column tiles are there, and how the next visits go through them."""
        return tuple(self._kept.items()), tuple(self._backwards.items())

    def parts(self, column: int, pixels: int) -> list[tuple[PlacedPart, list[Load]]]:
        """A column tile's tiles for a block of `pixels`, in the order of their passes, with the loads before each part.

        The first part is a single tile, for which nothing has to wait long, or all the few of a slice. While the
        weights stay, every other visit goes backwards: the tile that is still in the array comes first.
        """
        tiles = self._columns[column]
        words = self._prepared.tiles.column_words[column]
        if not tiles:
            return []
        if not self._all and column not in self._kept:
            self._kept.clear()  # the ring may overwrite them
        if not self._all and words > self._chip.weights.size // 2:
            return [self._streamed(part) for part in self._cut(column, self._room(column, pixels))]
        if column not in self._kept:
            at = self._base + tiles[0].at if self._all else self._chip.weights.take(words)
            self._kept[column] = at - tiles[0].at
            self._backwards[column] = False
            first = words if self._prepared.banks.slices else tiles[0].words
            return [self._loaded(part, self._kept[column]) for part in self._cut(column, PART_WORDS, first)]
        self._backwards[column] = not self._backwards[column]
        return [(PlacedPart(self._whole(column)[self._backwards[column]], self._kept[column]), [])]

    def _cut(self, column: int, words: int, first: int | None = None) -> list[TilePart]:
        """`weight_parts` of a column tile."""
        key = column, words, first
        if key not in self._parts:
            self._parts[key] = [TilePart(part) for part in weight_parts(self._columns[column], words, first)]
        return self._parts[key]

    def _whole(self, column: int) -> tuple[TilePart, TilePart]:
        """A column tile, and the same backwards."""
        if column not in self._both:
            tiles = self._columns[column]
            self._both[column] = TilePart(tiles), TilePart(tiles[::-1])
        return self._both[column]

    def _room(self, column: int, pixels: int) -> int:
        """Words of a part: a quarter of the buffer, or less where the array may be many passes behind.

        What such passes need must stay, and where the ring begins again it may leave out as much as a part takes.
        """
        if column not in self._longest:
            self._longest[column] = max(tile.words for tile in self._columns[column])
        size, behind = self._chip.weights.size, passes_behind(pixels) * self._longest[column]
        return min(size // 4, (size - behind) // 2)

    def _loaded(self, part: TilePart, start: int) -> tuple[PlacedPart, list[Load]]:
        return PlacedPart(part, start), [self._load(part, start + part.tiles[0].at)]

    def _streamed(self, part: TilePart) -> tuple[PlacedPart, list[Load]]:
        return self._loaded(part, self._chip.weights.take(part.words) - part.tiles[0].at)

    def _load(self, part: TilePart, at: int) -> Load:
        return Load(
            kind=Kind.WEIGHTS,
            to=at,
            source=self._prepared.weights_at + part.tiles[0].at,
            count=part.words,
            writes=Range(Space.WEIGHTS, at, at + part.words),
        )


def passes_behind(pixels: int) -> int:
    """How many passes of a block the array may not have begun, of those that the fetcher has read for."""
    return FETCHER_ROOM // pixels


def weight_parts(tiles: Sequence[Tile], words: int, first: int | None = None) -> list[list[Tile]]:
    """Runs of tiles of at most `words` words (the first run of `first`), at least one tile each."""
    parts: list[list[Tile]] = []
    size, room = 0, words
    for tile in tiles:
        if not parts or size + tile.words > room:
            room = words if parts or first is None else first
            parts.append([])
            size = 0
        parts[-1].append(tile)
        size += tile.words
    return parts
