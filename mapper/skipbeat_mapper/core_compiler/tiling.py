"""Tiling: weights [C, K] to column tiles, each with its own list of reduction tiles.

b is measured: for every candidate grouping the nonzeros of each group and output are counted, and every column tile
takes the grouping that costs it the fewest clocks. Groups that are empty for all outputs of a column tile can be
dropped and the rest sorted by b, so that full and empty groups do not share a tile; outputs can be permuted for the
same reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skipbeat_arch.arrays import Int8Array
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.tile import PackedTile

from ..gather import IntArray
from .grouping import EMPTY, Lines
from .shapes import Counts, ShapeTable

#: Clocks of a load beyond those of its rows; only for choosing among groupings (the timing model prices schedules).
LOAD_LATENCY = 10


@dataclass(frozen=True, eq=False)
class ReductionTile:
    """One tile of a column tile.

    Attributes:
        lines: int32 [R, M] reduction index at each position, -1 for an empty one and beyond `shape.rows`.
        shape: its beat, rows, encoding and number of words (the words themselves are placeholders).
    """

    lines: Lines
    shape: PackedTile


@dataclass(frozen=True, eq=False)
class ColumnTile:
    """The outputs of one column tile (int [cols], in array-column order) and its tiles that are not empty."""

    outputs: IntArray
    tiles: tuple[ReductionTile, ...]


@dataclass(frozen=True, eq=False)
class _Choice:
    """The cheapest arrangement of one column tile: which grouping, and whether its groups are sorted by b."""

    cost: float
    grouping: int
    is_sorted: bool


class Tiler:
    """Measures one layer's weights once and tiles them for any permutation of its outputs.

    Args:
        weight: int8 [C, K].
        groupings: candidates, the plain one first.
        pixels: pixels of a block, which weigh the steps of a tile against its load.
    """

    def __init__(self, weight: Int8Array, groupings: Sequence[Lines], hw: Hardware, pixels: int) -> None:
        self._hw, self._pixels = hw, pixels
        self._shapes = ShapeTable(hw)
        nonzero = np.zeros((weight.shape[0] + 1, weight.shape[1]), np.uint8)  # the last row is EMPTY's
        np.not_equal(weight, 0, out=nonzero[:-1], casting="unsafe")
        self._groupings, self._counts = [], []
        for lines in groupings:
            counts = np.zeros((len(lines) + 1, weight.shape[1]), np.uint8)  # the last row is an empty group
            for position in range(hw.array.group):
                counts[:-1] += nonzero[lines[:, position]]
            self._groupings.append(np.concatenate([lines, np.full((1, hw.array.group), EMPTY, np.int32)]))
            self._counts.append(counts)

    def identity(self) -> IntArray:
        """The outputs in their own order."""
        return np.arange(self._counts[0].shape[1])

    def permutations(self) -> list[IntArray]:
        """Orders of the outputs that bring together outputs of equal weight or equal pattern of empty groups."""
        counts = self._counts[0]
        heavy = np.argsort(-counts.sum(axis=0, dtype=np.int64), kind="stable")
        pattern = np.ascontiguousarray(np.packbits(counts.T != 0, axis=1))
        alike = np.argsort(pattern.view(f"S{pattern.shape[1]}").ravel(), kind="stable")
        return [heavy, alike]

    def cost(self, order: IntArray, *, plain: bool = False) -> float:
        """Clocks for one block of pixels, with every load either hidden or in full."""
        return sum(choice.cost for choice in self._choose(order, plain=plain))

    def tile(self, order: IntArray, *, plain: bool = False) -> list[ColumnTile]:
        """Column tiles of the outputs in this order; `plain` keeps to the first grouping in its own order."""
        choices = self._choose(order, plain=plain)
        return [self._column_tile(o, c) for o, c in zip(self._split(order), choices, strict=True)]

    def _split(self, order: IntArray) -> list[IntArray]:
        return np.split(order, np.arange(self._hw.array.cols, order.size, self._hw.array.cols))

    def _choose(self, order: IntArray, *, plain: bool) -> list[_Choice]:
        """The first of the cheapest arrangements for each column tile."""
        costs, names = [], []
        for grouping, counts in enumerate(self._counts[:1] if plain else self._counts):
            beats = _tile_maximum(counts[:-1, order], self._hw.array.cols)
            costs.append(self._costs(beats))
            names.append((grouping, False))
            if not plain:
                costs.append(self._costs(-np.sort(-beats, axis=0)))
                names.append((grouping, True))
        table = np.array(costs)
        best = table.argmin(axis=0)
        return [_Choice(float(table[b, column]), *names[b]) for column, b in enumerate(best)]

    def _costs(self, beats: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Clocks of each column tile; beats is [groups, column tiles]."""
        rows = self._hw.array.rows
        steps = _tile_maximum(beats.T, rows).T
        occupied = np.minimum(rows, len(beats) - np.arange(len(steps)) * rows)[:, None]
        decode = self._hw.array.cols // self._hw.weights.decode_lanes  # clocks per row, unless it is dense
        load = occupied * np.where(steps < self._hw.array.group, np.maximum(steps, decode), steps) + LOAD_LATENCY
        clocks = np.where(steps > 0, np.maximum(self._pixels * steps, load), 0)
        return np.asarray(clocks.sum(axis=0), np.float64)

    def _column_tile(self, outputs: IntArray, choice: _Choice) -> ColumnTile:
        lines, counts = self._groupings[choice.grouping], self._counts[choice.grouping][:, outputs]
        rows, empty = self._hw.array.rows, len(lines) - 1
        chosen = np.arange(empty)
        if choice.is_sorted:
            beats = counts[:-1].max(axis=1).astype(np.int64)
            chosen = np.argsort(-beats, kind="stable")[: np.count_nonzero(beats)]
        padded = np.full(-(-chosen.size // rows) * rows, empty)
        padded[: chosen.size] = chosen
        return ColumnTile(outputs, self._reduction_tiles(lines, counts, padded.reshape(-1, rows)))

    def _reduction_tiles(self, lines: Lines, counts: Counts, groups: IntArray) -> tuple[ReductionTile, ...]:
        """Tiles of the groups [tiles, R] that hold a nonzero, cut off after their last row with one."""
        tile_counts = counts[groups]
        live = tile_counts.max(axis=2) > 0
        rows = np.where(live.any(axis=1), self._hw.array.rows - live[:, ::-1].argmax(axis=1), 0)
        kept = np.flatnonzero(rows)
        tile_lines = lines[groups[kept]]
        tile_lines[np.arange(self._hw.array.rows) >= rows[kept, None]] = EMPTY
        shapes = self._shapes.shapes(tile_counts[kept], rows[kept])
        return tuple(ReductionTile(line, shape) for line, shape in zip(tile_lines, shapes, strict=True))


def _tile_maximum(values: npt.NDArray[np.integer], width: int) -> npt.NDArray[np.int64]:
    """Largest value in each run of `width` along the last axis (the last run may be short)."""
    starts = np.arange(0, values.shape[1], width)
    return np.maximum.reduceat(values, starts, axis=1).astype(np.int64)
