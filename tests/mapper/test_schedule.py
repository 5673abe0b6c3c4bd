from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch.hardware import Hardware
from skipbeat_mapper.core_compiler.grouping import plain
from skipbeat_mapper.core_compiler.schedule import Loop, pixel_blocks, schedule
from skipbeat_mapper.core_compiler.tiling import ColumnTile, Tiler


@given(pixels=st.integers(1, 5000), largest=st.integers(1, 1024))
def test_blocks_are_few_even_and_complete(pixels: int, largest: int) -> None:
    blocks = pixel_blocks(pixels, largest)
    sizes = [stop - start for start, stop in blocks]
    assert [start for start, _ in blocks] == [0, *(stop for _, stop in blocks[:-1])]
    assert blocks[-1][1] == pixels
    assert len(blocks) == -(-pixels // largest)
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) <= largest


def columns_of(weight: np.ndarray, hw: Hardware) -> list[ColumnTile]:
    tiler = Tiler(weight, [plain(np.arange(len(weight)), hw.array.group)], hw, 8)
    return tiler.tile(tiler.identity(), plain=True)


def test_a_single_tile_stays_for_all_blocks(make_hw: Callable[..., Hardware]) -> None:
    columns = columns_of(np.ones((16, 8), np.int8), make_hw(4, 4, 4))
    passes, stream = schedule(columns, pixel_blocks(30, 10), loop="columns", short_first=True)
    assert [p.command.load for p in passes] == [True, False, False] * 2
    assert all(p.command.first and p.command.last for p in passes)
    assert len(stream) == 2


@pytest.mark.parametrize("loop", ["columns", "blocks"])
@pytest.mark.parametrize("short_first", [True, False])
def test_the_tile_at_a_turn_is_used_again(make_hw: Callable[..., Hardware], loop: Loop, short_first: bool) -> None:
    columns = columns_of(np.ones((44, 8), np.int8), make_hw(4, 4, 4))  # three tiles, the last with 3 rows
    passes, stream = schedule(columns, pixel_blocks(30, 10), loop=loop, short_first=short_first)
    assert len(passes) == 3 * 2 * 3
    assert len(stream) == len(passes) - (2 * 2 if loop == "columns" else 2)
    for before, now in itertools.pairwise(passes):
        assert now.command.load == ((before.column, before.tile) != (now.column, now.tile))
        assert now.command.first == before.command.last
    starts = {(p.column, p.start) for p in passes if p.command.first}
    assert len(starts) == 6
    assert (passes[0].command.rows == 3) == short_first


def test_an_empty_column_tile_is_one_null_pass_per_block(make_hw: Callable[..., Hardware]) -> None:
    weight = np.ones((16, 12), np.int8)
    weight[:, 4:8] = 0
    columns = columns_of(weight, make_hw(4, 4, 4))
    passes, stream = schedule(columns, pixel_blocks(20, 10), loop="columns", short_first=True)
    nulls = [p for p in passes if p.tile is None]
    assert [(p.column, p.start, p.command.beat, p.command.load) for p in nulls] == [(1, 0, 0, False), (1, 10, 0, False)]
    assert all(p.command.first and p.command.last for p in nulls)
    assert len(stream) == 2
    assert all(p.command.beat for p in passes if p.tile is not None)
