"""A node's weights as tiles: which there are, and their places among the node's words."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TypeVar

import numpy as np

from skipbeat_arch.arrays import Bytes, Int8Array, Int64Array
from skipbeat_arch.graph import Node
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.machine import TABLE_ENTRIES, Machine
from skipbeat_arch.tile import TileStatistics

from ..bounds import tile_clocks
from ..placing.banks import Banks
from ..placing.regions import regions
from .block_diagonal import block_diagonal
from .column_tiles import Tile, TileTable, column_of, decoding
from .row_order import Cells, beats, plain_order, planes_needed, sorted_order, steps, taken
from .tile_statistics import cell_slots, different_columns, group_counts, tile_statistics

T = TypeVar("T")
#: Bytes of a digest.
_DIGEST = 16


@dataclass(frozen=True, kw_only=True, eq=False)
class NodeTiles:
    """All tiles of a node.

    Attributes:
        columns: for each block of V outputs, its tiles in the order of their passes (none if all its weights are 0).
        kinds: of each column tile a number; those of one number have the same tiles for as many outputs.
        at: the first word of each column tile.
        outputs: of each column tile, at most V.
        words: of all tiles.
        banks: how its input lies in the banks.
        cells: the different choices of cells for the rows, int32 [choices, R], see `row_order`.
        plain: whether rows take their cells in the plain order.
        decoding: of each column tile the decoder's least clocks, for all its tiles and for the longest of them.
    """

    columns: tuple[tuple[Tile, ...], ...]
    kinds: tuple[int, ...]
    at: tuple[int, ...]
    outputs: tuple[int, ...]
    words: int
    banks: Banks
    cells: Cells
    plain: bool
    decoding: tuple[tuple[int, int], ...]

    @cached_property
    def steps(self) -> tuple[int, ...]:
        """Of each column tile, for a pixel."""
        return self._of_kinds(np.add.reduceat(self.table.beat, self.table.begins[:-1]).tolist())

    @cached_property
    def column_words(self) -> tuple[int, ...]:
        """Of each column tile."""
        return self._of_kinds(np.add.reduceat(self.table.words, self.table.begins[:-1]).tolist())

    @cached_property
    def table(self) -> TileTable:
        """The tiles of one column tile of each kind, by these."""
        firsts = dict(zip(reversed(self.kinds), reversed(range(len(self.kinds))), strict=True))
        found = [firsts[kind] for kind in range(len(firsts))]
        return TileTable.of([self.columns[each] for each in found], [self.outputs[each] for each in found])

    @cached_property
    def statistics(self) -> list[tuple[TileStatistics, int]]:
        """The different ones of all tiles, in the order in which each comes first, and how many tiles have it."""
        table, counts = self.table, np.bincount(self.kinds, minlength=self.table.begins.size - 1)
        times, real = np.repeat(counts, np.diff(table.begins)), table.number >= 0
        found = np.zeros(len(table.statistics), np.int64)
        np.add.at(found, table.number[real], times[real])
        return list(zip(table.statistics, found.tolist(), strict=True))

    @cached_property
    def contents(self) -> tuple[bytes, ...]:
        """Of each column tile, equal for those whose tiles cost the same: their numbers and statistics."""
        table = self.table
        every = b"".join([*map(_digest, table.statistics), bytes(_DIGEST)])  # the last one is that of null passes
        digests = np.frombuffer(every, np.uint8).reshape(-1, _DIGEST)[np.maximum(table.number, -1)]
        rows = np.concatenate([table.cells.astype("<i8").view(np.uint8).reshape(-1, 8), digests], axis=1)
        parts = np.split(rows, table.begins[1:-1])
        return self._of_kinds([hashlib.blake2b(part.tobytes(), digest_size=_DIGEST).digest() for part in parts])

    @cached_property
    def key(self) -> Hashable:
        """Equal for tiles that cost the same, column by column."""
        return hashlib.blake2b(b"".join(self.contents)).digest()

    def _of_kinds(self, found: Sequence[T]) -> tuple[T, ...]:
        """What was found of each kind of column tile, for all column tiles."""
        return tuple([found[kind] for kind in self.kinds])


def _digest(tile: TileStatistics) -> bytes:
    sizes = tile.word_count, tile.encoding, tile.beat, tile.rows, tile.cols, tile.nonzeros
    data = np.concatenate([sizes, tile.slots.ravel()]).astype("<i8").tobytes()
    return hashlib.blake2b(data, digest_size=_DIGEST).digest()


def node_tiles(node: Node, banks: Banks, machine: Machine, *, plain: bool = False) -> NodeTiles:
    """A node's tiles; b is measured for every one. Nothing is packed yet.

    Rows take their cells in the order of their b if that saves more than it costs to load the offsets.

    Args:
        plain: they take them in the plain order.
    """
    hw, vector = machine.hw, machine.vector
    every = group_counts(tap_weights(node), hw.array.group)
    counts, kinds = different_columns(every, vector)
    slots = cell_slots(banks.arrange_counts(counts), vector)
    row_order = None if plain else _row_order(slots, np.bincount(kinds), node, banks, machine)
    cells = plain_order(*slots.shape[:3]) if row_order is None else row_order
    choices, numbers = _numbered(cells)
    found = tile_statistics(taken(slots, cells), counts.shape[2], hw)
    planes = planes_needed(cells, banks)
    made = [
        column_of(_in_order(tiles, order, hw), own)
        for tiles, order, own in zip(found, planes.T.tolist(), numbers.T.tolist(), strict=True)
    ]
    distinct = {id(tile.statistics): tile.statistics for column in made for tile in column}
    clocks = {key: tile_clocks(each, machine) for key, each in distinct.items()}
    decoder = [decoding(column, clocks) for column in made]
    words = [sum([tile.words for tile in column]) for column in made]
    *at, total = accumulate([words[kind] for kind in kinds.tolist()], initial=0)
    count = every.shape[2]
    return NodeTiles(
        columns=tuple(made[kind] for kind in kinds.tolist()),
        kinds=tuple(kinds.tolist()),
        at=tuple(at),
        outputs=tuple(min(vector, count - start) for start in range(0, count, vector)),
        words=total,
        banks=banks,
        cells=choices,
        plain=row_order is None,
        decoding=tuple(decoder[kind] for kind in kinds.tolist()),
    )


def _row_order(slots: Bytes, times: Int64Array, node: Node, banks: Banks, machine: Machine) -> Cells | None:
    """The cells sorted by b; None if the steps that it saves are no more than the clocks to load its offsets."""
    b = beats(slots)
    if not (b.min(axis=2) < b.max(axis=2)).any():
        return None
    order = sorted_order(b, banks)
    saved = steps(b, times) - steps(beats(taken(slots, order)), times)
    height, width = node.convolution.out_size
    entries = order.shape[0] * int(times.sum())
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
