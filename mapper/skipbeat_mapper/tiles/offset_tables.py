"""Offset tables: how far from a walk's entry each bank reads."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import cache

import numpy as np

from skipbeat_arch.arrays import Bytes, Int64Array
from skipbeat_arch.graph import Node
from skipbeat_arch.machine import TABLE_ENTRIES, Machine

from ..placing.banks import Banks
from ..placing.regions import Region, split
from .node_tiles import NodeTiles
from .row_order import NONE, Cells

Offsets = tuple[int, ...]
#: Pitch and plane of a region: what its offsets depend on.
Kind = tuple[int, int]

#: Most entries that are loaded together where the table does not hold all of a node: so many that the next ones come
#: while these are in use.
RUN_ENTRIES = 64


def cell_offsets(node: Node, banks: Banks, region: Region) -> Int64Array:
    """Entries from the first tap of plane 0 to every cell, int64 [cells + 1]: `NONE` without a tap, and for `NONE`."""
    taps = banks.cell_taps(node.taps)
    row, column = np.divmod(taps, node.convolution.kernel[1])
    dilation = node.convolution.dilation
    offsets = row * dilation[0] * region.pitch + column * dilation[1] * region.images
    planes = np.arange(len(taps)) % banks.planes % region.planes  # of slices a region may have one at a time
    offsets += (planes * region.plane)[:, None]
    return np.append(np.where(taps < 0, NONE, offsets).ravel(), NONE)


def bank_offsets(cells: Cells, offsets: Int64Array) -> tuple[int, Offsets]:
    """The first entry that a tile reads, and the offsets of all R banks from there; 0 where a row takes nothing.

    Args:
        cells: of the rows, int32 [R].
        offsets: of all cells, see `cell_offsets`.
    """
    found = offsets[cells]
    used = found != NONE
    start = int(found[used].min()) if used.any() else 0
    return start, tuple(np.where(used, found - start, 0).tolist())


class NodeTables:
    """The table entries of a node, in runs that are loaded together.

    If the table holds all of them they are one run, otherwise each column tile has its own.

    Attributes:
        entries: of all runs as they lie in memory; that of zeros is not among them.
        runs: entries from-to of each run.
    """

    def __init__(self, node: Node, banks: Banks, tiles: NodeTiles, regions: Sequence[Region]) -> None:
        self._tiles, self._cells, self._zeros = tiles, tiles.cells, (0,) * banks.rows
        self._read: dict[tuple[Kind, int], Int64Array] = {}
        self._rows: dict[tuple[Kind, int, int, int], tuple[int, int, int, int]] = {}
        kinds = {_kind(region): cell_offsets(node, banks, region) for region in regions}
        self._offsets = kinds
        self._places: dict[tuple[Kind, int], tuple[int, Offsets]] = {}
        find = cache(self._needed)
        numbers = [tuple(tile.number for tile in column) for column in tiles.columns]
        needed = {(kind, column): find(kind, own) for kind in kinds for column, own in enumerate(numbers)}
        together = dict.fromkeys(offsets for part in needed.values() for offsets in part)
        if len(together) < TABLE_ENTRIES:
            parts = [list(together)] if together else []
            shared = {offsets: (0, i) for i, offsets in enumerate(together)}
            self._at = dict.fromkeys(needed, shared)
        else:
            parts, self._at = [], {}
            for key, every in needed.items():
                cut = [every[start:stop] for start, stop in split(len(every), RUN_ENTRIES)] if every else []
                runs = enumerate(cut, len(parts))
                self._at[key] = {offsets: (run, i) for run, part in runs for i, offsets in enumerate(part)}
                parts += cut
        ends = list(itertools.accumulate(map(len, parts), initial=0))
        self.entries = tuple(offsets for part in parts for offsets in part)
        self.runs = tuple(itertools.pairwise(ends))

    @property
    def largest(self) -> int:
        """Entries of the longest run."""
        return max((stop - start for start, stop in self.runs), default=0)

    def place(self, region: Region, number: int) -> tuple[int, Offsets]:
        """`bank_offsets` of the tiles of a number."""
        return self._place(_kind(region), number)

    def entry(self, region: Region, column: int, number: int) -> tuple[int, int] | None:
        """Run and place in it of a tile's entry; None for that of zeros."""
        return self._at[_kind(region), column].get(self.place(region, number)[1])

    def places(self, region: Region, column: int) -> Int64Array:
        """What passes of a column tile's tiles read, int64 [tiles, 4], by their places.

        The first three are entries from a block's first pixel and tap: where the walk begins, the first that its first
        pixel reads, and the one after the last. The fourth is the table entry's place in its run, -1 for that of zeros.
        """
        key = _kind(region), column if len(self.runs) > 1 else self._tiles.kinds[column]
        if key not in self._read:
            rows = []
            for tile in self._tiles.columns[column]:
                number, used = tile.number, tile.statistics.rows
                own = key[0], column if len(self.runs) > 1 else 0, number, used
                if own not in self._rows:
                    start, offsets = self.place(region, number)
                    first, last = min(offsets[:used]), max(offsets[:used])
                    entry = self.entry(region, column, number)
                    self._rows[own] = start, start + first, start + last + 1, entry[1] if entry else -1
                rows.append(self._rows[own])
            self._read[key] = np.array(rows, np.int64).reshape(-1, 4)
        return self._read[key]

    def _place(self, kind: Kind, number: int) -> tuple[int, Offsets]:
        if (kind, number) not in self._places:
            self._places[kind, number] = bank_offsets(self._cells[number], self._offsets[kind])
        return self._places[kind, number]

    def _needed(self, kind: Kind, numbers: tuple[int, ...]) -> list[Offsets]:
        """The different entries of some tiles but that of zeros."""
        found = dict.fromkeys(self._place(kind, number)[1] for number in numbers)
        found.pop(self._zeros, None)
        return list(found)


def _kind(region: Region) -> Kind:
    return region.pitch, region.plane


def table_data(entries: tuple[Offsets, ...], machine: Machine) -> Bytes:
    """Table entries in memory: uint8 [entries · table_vectors · V]."""
    width = machine.table_vectors * machine.vector
    data: Bytes = np.zeros((len(entries), width), np.uint8)
    for i, offsets in enumerate(entries):
        words = np.array([offset & 0xFFFF for offset in offsets], "<u2").view(np.uint8)
        data[i, : words.size] = words
    return data.ravel()
