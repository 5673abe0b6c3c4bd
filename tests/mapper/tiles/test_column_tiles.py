"""Tiles of a column tile one by one, as columns of numbers, and in the weight buffer."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.tile import TileStatistics, pack_tile
from skipbeat_mapper.tiles.column_tiles import ColumnTile, PlacedPart, TilePart, column_of, decoding

HW = load_hardware("tiny-4x4")


def tile(rows: int) -> TileStatistics:
    """A tile of so many rows."""
    return pack_tile(np.ones((rows, 4, 4), np.int8), HW)


FIRST, SECOND = tile(1), tile(3)
#: Tiles 2, 0 and 1 of a column tile, in the order of their passes.
COLUMN = column_of([(2, FIRST), (0, SECOND), (1, FIRST)], [7, 8, 9])


def test_tiles_follow_one_another_in_the_order_of_their_passes() -> None:
    assert [each.number for each in COLUMN] == [9, 7, 8]
    assert [each.place for each in COLUMN] == [0, 1, 2]
    assert [each.at for each in COLUMN] == [0, FIRST.word_count, FIRST.word_count + SECOND.word_count]
    assert [each.words for each in COLUMN] == [FIRST.word_count, SECOND.word_count, FIRST.word_count]
    assert column_of([], []) == ()


def test_statistics_are_listed_once() -> None:
    found = ColumnTile.of(COLUMN)
    assert found.words.tolist() == [[each.words, each.at] for each in COLUMN]
    assert [found.statistics[kind] for kind in found.kind.tolist()] == [FIRST, SECOND, FIRST]
    assert len(found.statistics) == 2
    assert ColumnTile.of(()).words.shape == (0, 2)


def test_the_decoder_needs_the_sum_and_the_longest() -> None:
    clocks = {id(FIRST): 5, id(SECOND): 11}
    assert decoding(COLUMN, clocks) == (21, 11)
    assert decoding((), clocks) == (0, 0)


def test_a_part_lies_where_its_column_tile_does() -> None:
    part = PlacedPart(TilePart(COLUMN[1:]), 100)
    assert [each.tile for each in part] == list(COLUMN[1:])
    assert [each.at for each in part] == [100 + each.at for each in COLUMN[1:]]
    assert {each.shift for each in part} == {100}
    assert part[:1] == [part[0]]
    assert part.part.places.tolist() == [1, 2]
    assert part.part.words == SECOND.word_count + FIRST.word_count
