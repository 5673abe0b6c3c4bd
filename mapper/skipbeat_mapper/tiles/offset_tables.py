"""Offset tables: how far from a walk's entry each bank reads."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from weakref import WeakKeyDictionary

import numpy as np

from skipbeat_arch.arrays import Bytes, Int64Array
from skipbeat_arch.graph import Node
from skipbeat_arch.machine import TABLE_ENTRIES, Machine

from ..placing.banks import Banks
from ..placing.regions import Region, Span, split
from .node_tiles import NodeTiles
from .row_order import NONE, Cells

#: Pitch and plane of a region: what its offsets depend on.
Kind = tuple[int, int]

#: Most entries that are loaded together where the table does not hold all of a node: so many that the next ones come
#: while these are in use.
RUN_ENTRIES = 64
#: No entry: that of zeros is in no run.
NOWHERE = -1
#: Those of tiles that there are.
_KNOWN: WeakKeyDictionary[NodeTiles, dict[Hashable, NodeTables]] = WeakKeyDictionary()


def cell_offsets(node: Node, banks: Banks, region: Region) -> Int64Array:
    """Entries from the first tap of plane 0 to every cell, int64 [cells + 1]: `NONE` without a tap, and for `NONE`."""
    taps = banks.cell_taps(node.taps)
    row, column = np.divmod(taps, node.convolution.kernel[1])
    dilation = node.convolution.dilation
    offsets = row * dilation[0] * region.pitch + column * dilation[1] * region.images
    planes = np.arange(len(taps)) % banks.planes % region.planes  # of slices a region may have one at a time
    offsets += (planes * region.plane)[:, None]
    return np.append(np.where(taps < 0, NONE, offsets).ravel(), NONE)


def bank_offsets(cells: Cells, offsets: Int64Array) -> tuple[Int64Array, Int64Array]:
    """The first entries that tiles read, and the offsets of all R banks from there; 0 where a row takes nothing.

    Args:
        cells: of the rows, int32 [tiles, R].
        offsets: of all cells, see `cell_offsets`.

    Returns:
        int64 [tiles] and [tiles, R].
    """
    found = offsets[cells]
    used = found != NONE
    start: Int64Array = np.where(used, found, offsets.max()).min(axis=1) * used.any(axis=1)
    return start, np.where(used, found - start[:, None], 0)


def node_tables(node: Node, tiles: NodeTiles, regions: Sequence[Region]) -> NodeTables:
    """The table entries of a node, which are kept as long as its tiles: they depend on no more of regions than this."""
    kinds = {region_kind(region): region for region in regions}
    known = _KNOWN.setdefault(tiles, {})
    key = tuple((*kind, region.images, region.planes) for kind, region in kinds.items())
    if key not in known:
        known[key] = NodeTables(node, tiles, kinds)
    return known[key]


class NodeTables:
    """The table entries of a node, in runs that are loaded together.

    If the table holds all of them they are one run, otherwise each column tile has its own.

    Args:
        node, tiles: whose entries they are.
        kinds: a region of each kind.

    Attributes:
        entries: of all runs as they lie in memory, int64 [entries, R]; that of zeros is not among them.
        runs: entries from-to of each run.
        begins: the first line of each column tile in `places`, int64 [columns].
    """

    def __init__(self, node: Node, tiles: NodeTiles, kinds: Mapping[Kind, Region]) -> None:
        table, columns = tiles.table, np.array(tiles.kinds, np.int64)
        found = [bank_offsets(tiles.cells, cell_offsets(node, tiles.banks, each)) for each in kinds.values()]
        self._table, self._offsets = table, dict(zip(kinds, found, strict=True))
        every = np.concatenate([offsets for _, offsets in found])
        first, number = _distinct(every)
        number = np.where(every.any(axis=1), number, NOWHERE).reshape(len(kinds), -1)
        needed = np.where(table.beat > 0, number[:, table.cells], NOWHERE)
        self._lines, self.begins = np.arange(table.cells.size), table.begins[columns]
        runs = [_in_order(needed.ravel())]
        if runs[0].size < TABLE_ENTRIES:
            at = np.full(first.size + 1, NOWHERE)
            at[runs[0]] = np.arange(runs[0].size)
            self._at = np.stack([at[needed], np.where(needed == NOWHERE, NOWHERE, 0)], axis=2)
        else:
            counts = np.diff(table.begins)[columns]
            ends = np.cumsum(counts)
            self._lines = np.arange(ends[-1]) + np.repeat(self.begins - ends + counts, counts)
            self.begins = ends - counts
            runs, self._at = _runs(needed[:, self._lines], self.begins)
        ends = np.cumsum([0, *map(len, runs)])
        self.entries = every[first[np.concatenate(runs)]]
        self.runs: tuple[Span, ...] = tuple(pairwise(ends.tolist())) if len(self.entries) else ()

    @property
    def largest(self) -> int:
        """Entries of the longest run."""
        return max((stop - start for start, stop in self.runs), default=0)

    @cached_property
    def places(self) -> tuple[Int64Array, Mapping[Kind, int]]:
        """What passes of tiles read in each kind of region, int64 [kinds · tiles, 5], and the first line of each kind.

        The first three are entries from a block's first pixel and tap: where the walk begins, the first that its first
        pixel reads, and the one after the last. The others are the table entry's place in its run, and that run, both
        -1 for the entry of zeros.
        """
        number, last = self._table.cells[self._lines], np.maximum(self._table.rows[self._lines], 1) - 1
        found = []
        for (start, offsets), at in zip(self._offsets.values(), self._at, strict=True):
            least, most = (each.accumulate(offsets, axis=1)[number, last] for each in (np.minimum, np.maximum))
            walk = start[number]
            found.append(np.stack([walk, walk + least, walk + most + 1, *at.T], axis=1))
        begins = dict(zip(self._offsets, range(0, len(found) * number.size, number.size), strict=True))
        return np.concatenate(found), begins


def region_kind(region: Region) -> Kind:
    """Equal for regions of a node in which its tiles have the same offsets."""
    return region.pitch, region.plane


def _runs(needed: Int64Array, begins: Int64Array) -> tuple[list[Int64Array], Int64Array]:
    """Runs for each column tile in each kind of region.

    Args:
        needed: numbers of entries, `NOWHERE` for that of zeros, int64 [kinds, tiles].
        begins: of each column tile the first of its tiles, int64 [columns].

    Returns:
        The numbers of each run, and of each tile its entry's place in its run and that run, int64 [kinds, tiles, 2].
    """
    runs, found = list[Int64Array](), np.full((*needed.shape, 2), NOWHERE)
    for kind, columns in enumerate(needed):
        for at, own in zip(np.split(found[kind], begins[1:]), np.split(columns, begins[1:]), strict=True):
            every = _in_order(own)
            for start, stop in split(every.size, RUN_ENTRIES) if every.size else []:
                for place, number in enumerate(every[start:stop].tolist()):
                    at[own == number] = place, len(runs)
                runs.append(every[start:stop])
    return runs, found


def _in_order(numbers: Int64Array) -> Int64Array:
    """The different numbers but `NOWHERE`, in the order in which each comes first."""
    different, first = np.unique(numbers, return_index=True)
    order = np.argsort(first)
    found: Int64Array = different[order[different[order] != NOWHERE]]
    return found


def _distinct(rows: Int64Array) -> tuple[Int64Array, Int64Array]:
    """The places of the different rows of int64 [rows, values], and which one each of them is."""
    keys = np.ascontiguousarray(rows).view(f"V{rows.shape[1] * rows.itemsize}").ravel()
    _, first, numbers = np.unique(keys, return_index=True, return_inverse=True)
    return first, numbers


def table_data(entries: Int64Array, machine: Machine) -> Bytes:
    """Table entries int64 [entries, R] in memory: uint8 [entries · table_vectors · V]."""
    data: Bytes = np.zeros((len(entries), machine.table_vectors * machine.vector), np.uint8)
    words = entries.astype("<u2").view(np.uint8)
    data[:, : words.shape[1]] = words
    return data.ravel()
