"""Which cells the rows of the array take in each tile of a column tile.

A row takes its cells from its own bank, or from any bank of the same channel group if groups are repeated; which one
of them comes when is free, as each bank has its own offset. A tile takes as many steps as its fullest cell, so each
row takes its cells in the order of their b, and empty ones not at all.
"""

from __future__ import annotations

import numpy as np

from skipbeat_arch.arrays import Bytes, Int32Array, Int64Array

from ..placing.banks import Banks

#: Cells by their numbers in `Banks.arrange` ([tile, row] in one), -1 for none: int32 [tiles, columns, R].
Cells = Int32Array
NONE = -1


def beats(slots: Bytes) -> Bytes:
    """b of every cell: slots uint8 [tiles, columns, R, s] as uint8 [tiles, columns, R]."""
    return np.asarray(np.count_nonzero(slots, axis=-1), np.uint8)


def steps(b: Bytes, times: Int64Array | None = None) -> int:
    """Steps for a pixel in all column tiles.

    Args:
        b: of every cell, uint8 [tiles, columns, R].
        times: how often each column tile comes, int64 [columns]; None: once.
    """
    found = b.max(axis=2, initial=0).sum(axis=0, dtype=np.int64)
    return int(found.sum() if times is None else found @ times)


def plain_order(tiles: int, columns: int, rows: int) -> Cells:
    """Every row takes the cells of its own plain tiles, whatever they hold."""
    cells = np.arange(tiles * rows, dtype=np.int32).reshape(tiles, 1, rows)
    return np.broadcast_to(cells, (tiles, columns, rows))


def sorted_order(b: Bytes, banks: Banks) -> Cells:
    """The fullest cells first, dealt out to the rows that can take them; of equal ones those of the first planes.

    Args:
        b: of every cell, uint8 [tiles, columns, R].
    """
    tiles, columns, rows = b.shape
    sets, period = banks.taps, banks.period
    by_plane = np.argsort(np.arange(tiles) % banks.planes, kind="stable")
    numbers = plain_order(tiles, 1, rows)[by_plane, 0].reshape(tiles * sets, 1, period)
    dealt = b[by_plane].reshape(tiles, columns, sets, period).swapaxes(1, 2).reshape(tiles * sets, columns, period)
    order = np.argsort(-dealt.astype(np.int16), axis=0, kind="stable")
    full = np.take_along_axis(dealt, order, axis=0) > 0
    cells = np.where(full, np.take_along_axis(np.broadcast_to(numbers, dealt.shape), order, axis=0), NONE)
    used = -(-int(full.any(axis=(1, 2)).sum()) // sets)
    shaped = cells[: used * sets].reshape(used, sets, columns, period).swapaxes(1, 2)
    return np.ascontiguousarray(shaped.reshape(used, columns, rows), np.int32)


def taken(slots: Bytes, cells: Cells) -> Bytes:
    """The slots that rows find: those of their cells, 0 where they take none; uint8 [tiles, columns, R, s]."""
    tiles, columns, rows, most = slots.shape
    by_column = np.zeros((columns, tiles * rows + 1, most), np.uint8)  # the last is that of NONE
    by_column[:, :-1] = slots.swapaxes(0, 1).reshape(columns, tiles * rows, most)
    return by_column[np.arange(columns)[:, None], cells]


def planes_needed(cells: Cells, banks: Banks) -> Int64Array:
    """The last plane from which any row takes a cell: int64 [tiles, columns]; -1 if none does."""
    planes = np.where(cells == NONE, -1, cells // banks.rows % banks.planes)
    return np.asarray(planes.max(axis=2, initial=-1), np.int64)
