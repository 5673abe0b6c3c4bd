"""When the weights of a node are loaded, and where to."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from skipbeat_arch.depths import FETCHER_ROOM
from skipbeat_arch.engines import Kind

from .memory_map import PlacedNode
from .node_tiles import Placed, Tile
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

    @property
    def streams(self) -> bool:
        """Whether they come anew for every visit of a column tile that is not the last one's."""
        return not self._all

    @property
    def state(self) -> Hashable:
        """Which column tiles are there, and how the next visits go through them."""
        return tuple(self._kept.items()), tuple(self._backwards.items())

    def parts(self, column: int, pixels: int) -> list[tuple[list[Placed], list[Load]]]:
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
            return [self._streamed(part) for part in weight_parts(tiles, self._room(tiles, pixels))]
        if column not in self._kept:
            at = self._base + tiles[0].at if self._all else self._chip.weights.take(words)
            self._kept[column] = at - tiles[0].at
            self._backwards[column] = False
            first = words if self._prepared.banks.slices else tiles[0].words
            return [self._loaded(part, self._kept[column]) for part in weight_parts(tiles, PART_WORDS, first)]
        start = self._kept[column]
        placed = [Placed(tile, start + tile.at) for tile in tiles]
        self._backwards[column] = not self._backwards[column]
        return [(placed[::-1] if self._backwards[column] else placed, [])]

    def _room(self, tiles: Sequence[Tile], pixels: int) -> int:
        """Words of a part: a quarter of the buffer, or less where the array may be many passes behind.

        What such passes need must stay, and where the ring begins again it may leave out as much as a part takes.
        """
        size, behind = self._chip.weights.size, passes_behind(pixels) * max(tile.words for tile in tiles)
        return min(size // 4, (size - behind) // 2)

    def _loaded(self, part: list[Tile], start: int) -> tuple[list[Placed], list[Load]]:
        placed = [Placed(tile, start + tile.at) for tile in part]
        return placed, [self._load(part, placed[0].at)]

    def _streamed(self, part: list[Tile]) -> tuple[list[Placed], list[Load]]:
        return self._loaded(part, self._chip.weights.take(sum(tile.words for tile in part)) - part[0].at)

    def _load(self, part: list[Tile], at: int) -> Load:
        words = sum(tile.words for tile in part)
        return Load(
            kind=Kind.WEIGHTS,
            to=at,
            source=self._prepared.weights_at + part[0].at,
            count=words,
            writes=Range(Space.WEIGHTS, at, at + words),
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
