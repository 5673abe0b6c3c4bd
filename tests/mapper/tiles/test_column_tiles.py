"""Tiles of a column tile one by one, and those of a node as columns of numbers."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.tile import TileStatistics, pack_tile
from skipbeat_mapper.tiles.column_tiles import TileTable, column_of, decoding

HW = load_hardware("tiny-4x4")


def tile(rows: int) -> TileStatistics:
    """A tile of so many rows."""
    return pack_tile(np.ones((rows, 4, 4), np.int8), HW)


FIRST, SECOND = tile(1), tile(3)
#: Tiles 2, 0 and 1 of a column tile, in the order of their passes.
COLUMN = column_of([(2, FIRST), (0, SECOND), (1, FIRST)], [7, 8, 9])


def test_tiles_follow_one_another_in_the_order_of_their_passes() -> None:
    assert [each.number for each in COLUMN] == [9, 7, 8]
    assert [each.at for each in COLUMN] == [0, FIRST.word_count, FIRST.word_count + SECOND.word_count]
    assert [each.words for each in COLUMN] == [FIRST.word_count, SECOND.word_count, FIRST.word_count]
    assert column_of([], []) == ()


def test_a_table_has_the_tiles_of_each_kind_and_lists_statistics_once() -> None:
    found = TileTable.of([COLUMN, (), COLUMN[:1]], [4, 3, 4])
    assert found.begins.tolist() == [0, 3, 4, 5]
    tiles = [*COLUMN, None, COLUMN[0]]
    for number, each in enumerate(tiles):
        row = found.cells[number], found.words[number], found.at[number], found.beat[number], found.rows[number]
        if each is None:
            assert (row, found.number[number]) == ((0, 0, 0, 0, 0), -1 - 3)
        else:
            assert row == (each.number, each.words, each.at, each.statistics.beat, each.statistics.rows)
            assert found.statistics[found.number[number]] is each.statistics
    assert len(found.statistics) == 2
    assert found.shape[0] == found.shape[2] == found.shape[4]
    assert len(set(found.shape.tolist())) == 3
    assert found.longest.tolist() == [SECOND.word_count, 0, FIRST.word_count]


def test_the_decoder_needs_the_sum_and_the_longest() -> None:
    clocks = {id(FIRST): 5, id(SECOND): 11}
    assert decoding(COLUMN, clocks) == (21, 11)
    assert decoding((), clocks) == (0, 0)
