"""Statistics of tiles that nobody packed are those of the packed tiles, and spreading keeps every weight once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from skipbeat_arch.graph import Node
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.tile import pack_tile
from skipbeat_arch.workload import Convolution
from skipbeat_mapper.placing.banks import Banks
from skipbeat_mapper.tiles.node_tiles import node_tiles, tap_weights
from skipbeat_mapper.tiles.packed_node import packed_words
from skipbeat_mapper.tiles.tile_statistics import cell_slots, group_counts, outputs_above
from tests.mapper.networks import random_layer
from tests.mapper.placed import group_of

CASES = [
    (64, 70, 3, 1),
    (5, 33, 3, 1),
    (130, 40, 1, 1),
    (48, 48, 3, 48),
    (256, 16, 1, 1),
    (24, 17, 5, 1),
    (16, 8, 2, 2),
]


def random_step(channels: int, outputs: int, kernel: int, groups: int, density: float, seed: int) -> Node:
    """One layer of random weights."""
    rng = np.random.default_rng(seed)
    load = Convolution(
        batch=1,
        c_in=channels,
        c_out=outputs,
        height=8,
        width=8,
        kernel=(kernel, kernel),
        groups=groups,
        order="cin,kh,kw" if seed % 2 else "kh,kw,cin",
    )
    return Node(layer=random_layer("layer", load, rng, density=density), input="a", output="b")


@pytest.mark.parametrize("preset", ["edge-16x16", "large-32x32", "tiny-4x4", "dense-8x8"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("density", [1.0, 0.5, 0.05])
def test_statistics_are_those_of_the_packed_tiles(preset: str, case: tuple[int, int, int, int], density: float) -> None:
    machine = Machine.of(load_hardware(preset))
    node = random_step(*case, density, seed=sum(case))
    banks = Banks.of(case[0], machine)
    tiles, weights = node_tiles(node, banks, machine), tap_weights(node)
    at = 0
    for number, column in enumerate(tiles.columns):
        start = number * machine.vector
        plain = banks.arrange(weights[:, :, start : start + machine.vector])
        cells = np.concatenate([plain.reshape(-1, *plain.shape[2:]), np.zeros_like(plain[0, :1])])
        numbers = [cell for tile in column for cell in tiles.cells[tile.number].tolist() if cell >= 0]
        assert len(numbers) == len(set(numbers))
        assert set(np.flatnonzero(plain.any(axis=(2, 3))).tolist()) <= set(numbers)
        for tile in column:
            arranged = cells[tiles.cells[tile.number]]
            packed, found = pack_tile(arranged[: tile.statistics.rows], machine.hw), tile.statistics
            assert not arranged[tile.statistics.rows :].any()
            for name in ("word_count", "encoding", "beat", "rows", "cols", "value_bits", "metadata_bits", "nonzeros"):
                assert getattr(found, name) == getattr(packed, name), name
            assert np.array_equal(found.slots, packed.slots)
            assert tiles.at[number] + tile.at == at
            at += tile.words
    assert tiles.words == at
    assert packed_words(node, banks, tiles, machine).size == at * machine.vector


@pytest.mark.parametrize("taps", [1, 2, 3, 7, 9])
@pytest.mark.parametrize("channels", [4, 9, 24, 64, 200])
def test_every_weight_is_in_one_row_of_its_tap(taps: int, channels: int) -> None:
    banks = Banks.of(channels, Machine.of(load_hardware("large-32x32")))
    rng = np.random.default_rng(taps)
    weight = rng.integers(-128, 128, (taps, channels, 5)).astype(np.int8)
    found = np.zeros((taps, sum(banks.periods) * banks.group, 5), np.int64)
    for number, tile in enumerate(banks.arrange(weight)):
        for row, tap in enumerate(banks.cell_taps(taps)[number]):
            if tap < 0:
                assert not tile[row].any()
            else:
                begin = group_of(banks, number, row) * banks.group
                found[tap, begin : begin + banks.group] += tile[row]
    assert np.array_equal(found[:, :channels], weight)


def test_a_tap_left_over_takes_half_the_steps() -> None:
    machine = Machine.of(load_hardware("large-32x32"))
    node = random_step(64, 32, 3, 1, 1.0, seed=0)
    beats = [tile.statistics.beat for tile in node_tiles(node, Banks.of(64, machine), machine).columns[0]]
    assert sum(beats) == 18  # 9 taps of 64 channels on 32 rows of 4: not 20


@pytest.mark.parametrize("value", [0, 1, -3])
@pytest.mark.parametrize("channels", [1, 4, 7, 12])
def test_one_weight_for_all_is_counted_as_an_array_of_it(value: int, channels: int) -> None:
    weight = np.broadcast_to(np.int8(value), (9, channels, 5))
    assert np.array_equal(group_counts(weight, 4), group_counts(weight.copy(), 4))


@pytest.mark.parametrize("width", [1, 3, 4, 8, 16, 32, 64, 128])
@pytest.mark.parametrize("outputs", [1, 31, 64, 130])
def test_outputs_are_counted_column_tile_by_column_tile(width: int, outputs: int) -> None:
    counts = np.random.default_rng(width + outputs).integers(0, 4, (2, 3, outputs), dtype=np.uint8)
    found = outputs_above(counts, width)
    assert found.shape[:3] == (int(counts.max()), 2, 3)
    for level, above in enumerate(found):
        tiles = (counts[..., start : start + width] > level for start in range(0, outputs, width))
        assert np.array_equal(above, np.stack([tile.sum(axis=-1) for tile in tiles], axis=-1))


@pytest.mark.parametrize("width", [4, 32])
def test_outputs_that_are_alike_are_counted_as_if_they_were_not(width: int) -> None:
    one = np.random.default_rng(1).integers(0, 4, (5, 8, 1), dtype=np.uint8)
    alike = np.broadcast_to(one, (5, 8, 70))
    banks = Banks.of(20, Machine.of(load_hardware("edge-8x8")))
    arranged = banks.arrange_counts(alike)
    assert np.array_equal(arranged, banks.arrange_counts(alike.copy()))
    assert np.array_equal(cell_slots(arranged, width), cell_slots(arranged.copy(), width))


@pytest.mark.parametrize("preset", ["edge-16x16", "large-32x32"])
@pytest.mark.parametrize("outputs", [1, 16, 31, 64, 130])
@pytest.mark.parametrize("plain", [False, True])
def test_outputs_that_are_alike_have_the_tiles_of_others(preset: str, outputs: int, plain: bool) -> None:
    machine = Machine.of(load_hardware(preset))
    node = random_step(200, outputs, 3, 1, 0.4, seed=2)
    one = np.ascontiguousarray(node.layer.weight[:, :1])
    banks = Banks.of(200, machine)
    alike, own = (
        node_tiles(replace(node, layer=replace(node.layer, weight=weight)), banks, machine, plain=plain)
        for weight in (np.broadcast_to(one, node.layer.weight.shape), np.repeat(one, outputs, axis=1))
    )
    assert len(set(alike.kinds)) <= 2
    assert alike.kinds != own.kinds or len(own.kinds) < 3
    assert alike.key == own.key
    assert np.array_equal(alike.cells, own.cells)
    for name in ("outputs", "words", "plain", "decoding", "steps", "column_words", "contents"):
        assert getattr(alike, name) == getattr(own, name), name
    for left, right in zip(alike.columns, own.columns, strict=True):
        assert [(t.number, t.at, t.words) for t in left] == [(t.number, t.at, t.words) for t in right]
    assert alike.table.words[: own.table.begins[1]].tolist() == own.table.words[: own.table.begins[1]].tolist()
