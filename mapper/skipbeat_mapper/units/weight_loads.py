"""When the weights of a node are loaded, and where to."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from skipbeat_arch.depths import FETCHER_ROOM
from skipbeat_arch.engines import Kind

from ..memory_map import PlacedNode
from ..tiles.column_tiles import PlacedPart, Tile, TilePart
from .on_chip import OnChip
from .unit import Load, Range, Space

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
        #: The first words of column tiles that were loaded and are still there.
        self._kept = {} if new else {column: self._base + at for column, at in enumerate(prepared.tiles.at)}
        #: Whether the last visit of a column tile went through its tiles backwards.
        self._backwards = dict.fromkeys(self._kept, True)
        #: What was found of kinds of column tiles: their parts, themselves forwards and backwards, their longest tiles.
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
        tiles, kind = self._columns[column], self._prepared.tiles.kinds[column]
        words = self._prepared.tiles.column_words[column]
        if not tiles:
            return []
        if not self._all and column not in self._kept:
            self._kept.clear()  # the ring may overwrite them
        if not self._all and words > self._chip.weights.size // 2:
            return [self._streamed(column, part) for part in self._cut(kind, tiles, self._room(kind, tiles, pixels))]
        if column not in self._kept:
            all_at = self._base + self._prepared.tiles.at[column]
            self._kept[column] = at = all_at if self._all else self._chip.weights.take(words)
            self._backwards[column] = False
            first = words if self._prepared.banks.slices else tiles[0].words
            return [self._loaded(column, part, at) for part in self._cut(kind, tiles, PART_WORDS, first)]
        self._backwards[column] = not self._backwards[column]
        return [(PlacedPart(self._whole(kind, tiles)[self._backwards[column]], self._kept[column]), [])]

    def _cut(self, kind: int, tiles: Sequence[Tile], words: int, first: int | None = None) -> list[TilePart]:
        """`weight_parts` of the column tiles of a kind."""
        key = kind, words, first
        if key not in self._parts:
            self._parts[key] = [TilePart(part) for part in weight_parts(tiles, words, first)]
        return self._parts[key]

    def _whole(self, kind: int, tiles: Sequence[Tile]) -> tuple[TilePart, TilePart]:
        """All tiles of the column tiles of a kind, and the same backwards."""
        if kind not in self._both:
            self._both[kind] = TilePart(tiles), TilePart(tiles[::-1])
        return self._both[kind]

    def _room(self, kind: int, tiles: Sequence[Tile], pixels: int) -> int:
        """Words of a part: a quarter of the buffer, or less where the array may be many passes behind.

        What such passes need must stay, and where the ring begins again it may leave out as much as a part takes.
        """
        if kind not in self._longest:
            self._longest[kind] = max(tile.words for tile in tiles)
        size, behind = self._chip.weights.size, passes_behind(pixels) * self._longest[kind]
        return min(size // 4, (size - behind) // 2)

    def _streamed(self, column: int, part: TilePart) -> tuple[PlacedPart, list[Load]]:
        return self._loaded(column, part, self._chip.weights.take(part.words) - part.tiles[0].at)

    def _loaded(self, column: int, part: TilePart, start: int) -> tuple[PlacedPart, list[Load]]:
        """A part of a column tile whose first word would be in place `start`, with its load."""
        first, words = part.tiles[0].at, part.words
        to, source = start + first, self._prepared.weights_at + self._prepared.tiles.at[column] + first
        writes = Range(Space.WEIGHTS, to, to + words)
        return PlacedPart(part, start), [Load(kind=Kind.WEIGHTS, to=to, source=source, count=words, writes=writes)]


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
