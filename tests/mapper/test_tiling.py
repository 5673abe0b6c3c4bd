from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from skipbeat_arch.hardware import Hardware
from skipbeat_arch.workload import Gemm
from skipbeat_mapper.core_compiler.grouping import plain, workload_groupings
from skipbeat_mapper.core_compiler.tiling import ColumnTile, Tiler


def rebuild(columns: list[ColumnTile], weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How often each weight has a place, and the fullest group of each tile by its descriptor."""
    places = np.zeros(weight.shape, np.int64)
    for column in columns:
        for tile in column.tiles:
            assert (tile.lines[tile.shape.rows :] == -1).all()
            used = tile.lines[tile.lines >= 0]
            np.add.at(places, (used[:, None], column.outputs), 1)
            padded = np.vstack([weight, np.zeros_like(weight[:1])])
            counts = np.count_nonzero(padded[tile.lines][:, :, column.outputs], axis=1)
            assert counts.max() == tile.shape.beat > 0
            assert counts[tile.shape.rows - 1].any()
            assert counts.sum() == tile.shape.nonzeros
    return places, np.concatenate([column.outputs for column in columns])


@settings(max_examples=60, deadline=None)
@given(
    c=st.integers(1, 90),
    k=st.integers(1, 20),
    rows=st.integers(1, 6),
    cols=st.integers(1, 6),
    group=st.sampled_from((4, 8)),
    density=st.floats(0, 1),
    pixels=st.integers(1, 100),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_weight_lands_exactly_once(
    make_hw: Callable[..., Hardware],
    c: int,
    k: int,
    rows: int,
    cols: int,
    group: int,
    density: float,
    pixels: int,
    seed: int,
) -> None:
    hw = make_hw(rows, cols, group)
    weight = (np.random.default_rng(seed).random((c, k)) < density).astype(np.int8)
    tiler = Tiler(weight, workload_groupings(Gemm(p=1, c=c, k=k), hw), hw, pixels)
    for order in (tiler.identity(), *tiler.permutations()):
        for is_plain in (True, False):
            places, outputs = rebuild(tiler.tile(order, plain=is_plain), weight)
            assert places.max() <= 1
            assert (places[weight != 0] == 1).all()
            np.testing.assert_array_equal(np.sort(outputs), np.arange(k))
        assert tiler.cost(order) <= tiler.cost(order, plain=True)


def total_steps(columns: list[ColumnTile]) -> int:
    return sum(tile.shape.beat for column in columns for tile in column.tiles)


def test_empty_groups_make_room_for_full_ones(make_hw: Callable[..., Hardware]) -> None:
    hw = make_hw(4, 4, 4)
    weight = np.zeros((64, 4), np.int8)
    weight[::8] = 1  # every other group has one weight, the others none
    tiler = Tiler(weight, [plain(np.arange(64), 4)], hw, 50)
    assert total_steps(tiler.tile(tiler.identity(), plain=True)) == 4
    assert total_steps(tiler.tile(tiler.identity())) == 2


def test_groups_of_equal_b_share_a_tile(make_hw: Callable[..., Hardware]) -> None:
    weight = np.zeros((32, 4), np.int8)
    weight[0::8] = weight[1::8] = weight[2::8] = weight[4::8] = 1  # b is 3, 1, 3, 1, ...
    tiler = Tiler(weight, [plain(np.arange(32), 4)], make_hw(4, 4, 4), 50)
    assert [tile.shape.beat for tile in tiler.tile(tiler.identity(), plain=True)[0].tiles] == [3, 3]
    assert [tile.shape.beat for tile in tiler.tile(tiler.identity())[0].tiles] == [3, 1]


def test_permuting_outputs_parts_the_empty_from_the_full(make_hw: Callable[..., Hardware]) -> None:
    weight = np.zeros((32, 16), np.int8)
    weight[:16, ::2] = weight[16:, 1::2] = 1
    tiler = Tiler(weight, [plain(np.arange(32), 4)], make_hw(4, 4, 4), 50)
    alike = tiler.permutations()[1]
    assert tiler.cost(alike) == tiler.cost(tiler.identity()) / 2
    assert all(len(set(column.outputs % 2)) == 1 for column in tiler.tile(alike))


def test_a_whole_pattern_group_or_a_split_one_is_decided_by_the_zeros(make_hw: Callable[..., Hardware]) -> None:
    hw = make_hw(4, 4, 4)
    halves = np.tile(np.array([1, 0, 1, 0], np.int8)[:, None], (2, 4))  # 2:4, one weight in each half
    pairs = np.tile(np.array([1, 1, 0, 0], np.int8)[:, None], (2, 4))  # 2:4, both in the first half
    for weight, beat in ((halves, 1), (pairs, 1)):
        tiler = Tiler(weight, workload_groupings(Gemm(p=1, c=8, k=4), hw), hw, 50)
        (column,) = tiler.tile(tiler.identity())
        assert [tile.shape.beat for tile in column.tiles] == [beat]
    both = np.stack([halves[:, 0], pairs[:, 0], 1 - halves[:, 0], pairs[::-1, 0]], axis=1)
    tiler = Tiler(both, workload_groupings(Gemm(p=1, c=8, k=4), hw), hw, 50)
    assert total_steps(tiler.tile(tiler.identity())) == 2
