"""A node's weights as tiles: which there are, and their places among the node's words."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, overload

import numpy as np

from skipbeat_arch.arrays import Bytes, Int8Array, Int64Array
from skipbeat_arch.graph import Node
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.machine import TABLE_ENTRIES, Machine
from skipbeat_arch.tile import TileStatistics

from .banks import Banks
from .block_diagonal import block_diagonal
from .bounds import tile_clocks
from .regions import regions
from .row_order import Cells, beats, plain_order, planes_needed, sorted_order, steps, taken
from .tile_statistics import cell_slots, group_counts, tile_statistics


class Tile(NamedTuple):
    """One reduction tile that has weights.

    Attributes:
        number: of its rows' cells in `NodeTiles.cells`; tiles of the same number read the same activations.
        statistics: as it is packed.
        at: its first word among those of the node.
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
        """Where the node's first word would be."""
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
    """The same in the weight buffer, where the node's first word would be in place `shift`."""

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


@dataclass(frozen=True, kw_only=True, eq=False)
class NodeTiles:
    """All tiles of a node.

    Attributes:
        columns: for each block of V outputs, its tiles in the order of their passes (none if all its weights are 0).
        outputs: of each column tile, at most V.
        words: of all tiles.
        banks: how its input lies in the banks.
        cells: the different choices of cells for the rows, int32 [choices, R], see `row_order`.
        plain: whether rows take their cells in the plain order.
        decoding: of each column tile the decoder's least clocks, for all its tiles and for the longest of them.
    """

    columns: tuple[tuple[Tile, ...], ...]
    outputs: tuple[int, ...]
    words: int
    banks: Banks
    cells: Cells
    plain: bool
    decoding: tuple[tuple[int, int], ...]

    @cached_property
    def steps(self) -> tuple[int, ...]:
        """Of each column tile, for a pixel."""
        return tuple(sum([tile.statistics.beat for tile in column]) for column in self.columns)

    @cached_property
    def column_words(self) -> tuple[int, ...]:
        """Of each column tile."""
        return tuple(sum([tile.words for tile in column]) for column in self.columns)

    @cached_property
    def by_place(self) -> tuple[ColumnTile, ...]:
        """The tiles of each column tile."""
        return tuple(map(_by_place, self.columns))

    @cached_property
    def key(self) -> Hashable:
        """Equal for tiles that cost the same: their numbers and statistics, column by column."""
        digests: dict[int, bytes] = {}
        found: list[tuple[int, bytes]] = []
        for column in self.columns:
            for tile in column:
                if id(tile.statistics) not in digests:
                    digests[id(tile.statistics)] = _digest(tile.statistics)
                found.append((tile.number, digests[id(tile.statistics)]))
            found.append((len(column), b""))
        return hashlib.blake2b(repr(found).encode()).digest()


def _by_place(tiles: Sequence[Tile]) -> ColumnTile:
    words = np.array([(tile.words, tile.at) for tile in tiles], np.int64).reshape(-1, 2)
    different = {id(tile.statistics): tile.statistics for tile in tiles}
    number = {each: at for at, each in enumerate(different)}
    kind = np.array([number[id(tile.statistics)] for tile in tiles], np.int64)
    return ColumnTile(words, kind, list(different.values()))


def _digest(tile: TileStatistics) -> bytes:
    sizes = tile.word_count, tile.encoding, tile.beat, tile.rows, tile.cols, tile.nonzeros
    data = np.concatenate([sizes, tile.slots.ravel()]).astype("<i8").tobytes()
    return hashlib.blake2b(data, digest_size=16).digest()


def node_tiles(node: Node, banks: Banks, machine: Machine, *, plain: bool = False) -> NodeTiles:
    """A node's tiles; b is measured for every one. Nothing is packed yet.

    Rows take their cells in the order of their b if that saves more than it costs to load the offsets.

    Args:
        plain: they take them in the plain order.
    """
    hw, vector = machine.hw, machine.vector
    counts = group_counts(tap_weights(node), hw.array.group)
    slots = cell_slots(banks.arrange_counts(counts), vector)
    row_order = None if plain else _row_order(slots, node, banks, machine)
    cells = plain_order(*slots.shape[:3]) if row_order is None else row_order
    choices, numbers = _numbered(cells)
    found = tile_statistics(taken(slots, cells), counts.shape[2], hw)
    planes = planes_needed(cells, banks)
    columns, decoding = list[tuple[Tile, ...]](), list[tuple[int, int]]()
    at, clocks = 0, dict[int, int]()
    for tiles, order, own in zip(found, planes.T.tolist(), numbers.T.tolist(), strict=True):
        placed = list[Tile]()
        for tile, statistics in _in_order(tiles, order, hw):
            placed.append(Tile(own[tile], statistics, at, len(placed)))
            at += statistics.word_count
            if id(statistics) not in clocks:
                clocks[id(statistics)] = tile_clocks(statistics, machine)
        columns.append(tuple(placed))
        every = [clocks[id(statistics)] for _, statistics in tiles]
        decoding.append((sum(every), max(every, default=0)))
    total = counts.shape[2]
    outputs = tuple(min(vector, total - start) for start in range(0, total, vector))
    return NodeTiles(
        columns=tuple(columns),
        outputs=outputs,
        words=at,
        banks=banks,
        cells=choices,
        plain=row_order is None,
        decoding=tuple(decoding),
    )


def _row_order(slots: Bytes, node: Node, banks: Banks, machine: Machine) -> Cells | None:
    """The cells sorted by b; None if the steps that it saves are no more than the clocks to load its offsets."""
    b = beats(slots)
    if not (b.min(axis=2) < b.max(axis=2)).any():
        return None
    order = sorted_order(b, banks)
    saved = steps(b) - steps(beats(taken(slots, order)))
    height, width = node.convolution.out_size
    entries = order.shape[0] * order.shape[1]
    if saved * height * width <= entries * machine.table_vectors * machine.vector_beats:
        return None
    turns = (
        len(regions(node, machine, banks.loaded, turns=banks.turns)) * banks.turns if entries >= TABLE_ENTRIES else 1
    )
    return order if saved * height * width > turns * entries * machine.table_vectors * machine.vector_beats else None


def _numbered(cells: Cells) -> tuple[Cells, Int64Array]:
    """The different rows of [tiles, columns, R] as [choices, R], and which one each tile and column has."""
    tiles, columns, rows = cells.shape
    keys = np.ascontiguousarray(cells).reshape(tiles * columns, rows).view(f"V{rows * cells.itemsize}").ravel()
    _, first, numbers = np.unique(keys, return_index=True, return_inverse=True)
    return cells.reshape(-1, rows)[first], numbers.reshape(tiles, columns)


def _in_order(
    tiles: list[tuple[int, TileStatistics]], planes: Sequence[int], hw: Hardware
) -> list[tuple[int, TileStatistics]]:
    """Plane by plane, so that the first tiles need few activations.

    Tiles with fewer steps than the output stage needs for an item go into the middle: the last pass of a block is as
    slow as that stage, and visits go through the tiles in both directions.
    """
    tiles = sorted(tiles, key=lambda each: (planes[each[0]], each[0]))
    slow = hw.array.cols // hw.outputs.lanes
    quick = [each for each in tiles if each[1].beat < slow]
    if not quick or len(quick) == len(tiles):
        return tiles
    others = [each for each in tiles if each[1].beat >= slow]
    middle = len(others) // 2
    return others[:middle] + quick + others[middle:]


def tap_weights(node: Node) -> Int8Array:
    """The layer's weight int8 [taps, C_in, K] over all channel groups, taps row by row."""
    load = node.convolution
    full = block_diagonal(node.layer.weight, load)
    taps = node.taps
    if load.order == "kh,kw,cin":
        return full.reshape(taps, load.c_in, load.c_out)
    return full.reshape(load.c_in, taps, load.c_out).transpose(1, 0, 2)
