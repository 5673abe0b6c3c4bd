"""Schedule: the order of passes over pixel blocks, column tiles and reduction tiles.

The accumulators hold one block of one column tile, so its reduction tiles follow one another. Around that the loop
runs over column tiles with the blocks inside, or the other way round. Neighbours are run through in opposite
directions, so that a pass that meets the tile of the one before it uses it again without a load.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from skipbeat_arch.command import Command
from skipbeat_arch.tile import PackedTile

from .tiling import ColumnTile

#: The outer loop: column tiles (weights stay, blocks pass) or blocks (activations stay).
Loop = Literal["columns", "blocks"]


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One pass: which pixels, which column tile, and which of its reduction tiles (None: the null pass)."""

    start: int
    stop: int
    column: int
    tile: int | None
    command: Command


def pixel_blocks(pixels: int, largest: int) -> list[tuple[int, int]]:
    """The fewest blocks (start, stop) of at most `largest` pixels, of even size: short blocks hide no load."""
    count = -(-pixels // largest)
    edges = np.arange(count + 1) * pixels // count
    return [(int(a), int(b)) for a, b in itertools.pairwise(edges)]


def schedule(
    columns: Sequence[ColumnTile], blocks: Sequence[tuple[int, int]], *, loop: Loop, short_first: bool
) -> tuple[tuple[Pass, ...], tuple[PackedTile, ...]]:
    """Passes in program order, and the shapes of the tiles in the order of their loads.

    `short_first` starts with the tiles of the smallest b: the first load is hidden by nothing.
    """
    passes: list[Pass] = []
    stream: list[PackedTile] = []
    resident: tuple[int, int] | None = None
    commands: dict[tuple[object, ...], Command] = {}
    ascending = [_by_load(column) for column in columns]
    for visit, (column, (start, stop)) in enumerate(_visits(len(columns), blocks, loop)):
        order = ascending[column] if (visit % 2 == 0) == short_first else ascending[column][::-1]
        for at, tile in enumerate(order):
            shape = columns[column].tiles[tile].shape
            load, first, last = resident != (column, tile), at == 0, at == len(order) - 1
            key = (stop - start, id(shape), load, first, last)
            if key not in commands:
                commands[key] = _command(shape, stop - start, load=load, first=first, last=last)
            passes.append(Pass(start=start, stop=stop, column=column, tile=tile, command=commands[key]))
            if load:
                stream.append(shape)
            resident = (column, tile)
        if not order:
            null = Command(pixels=stop - start, beat=0, rows=0, cols=columns[column].outputs.size, load=False)
            passes.append(Pass(start=start, stop=stop, column=column, tile=None, command=null))
    return tuple(passes), tuple(stream)


def _command(shape: PackedTile, pixels: int, *, load: bool, first: bool, last: bool) -> Command:
    if load:
        return shape.command(pixels, first=first, last=last)
    return Command(pixels=pixels, beat=shape.beat, rows=shape.rows, cols=shape.cols, load=False, first=first, last=last)


def _visits(columns: int, blocks: Sequence[tuple[int, int]], loop: Loop) -> Iterator[tuple[int, tuple[int, int]]]:
    """(column tile, block) in program order, the inner loop back and forth."""
    if loop == "columns":
        for column in range(columns):
            for block in blocks:
                yield column, block
        return
    for number, block in enumerate(blocks):
        for column in range(columns) if number % 2 == 0 else reversed(range(columns)):
            yield column, block


def _by_load(column: ColumnTile) -> list[int]:
    """The column's tiles, the quickest to load first."""
    shapes = [tile.shape for tile in column.tiles]
    return sorted(range(len(shapes)), key=lambda t: (shapes[t].beat, shapes[t].rows))
