"""Banks: every weight meets its activation in one row, and counts are dealt out like the weights that they count."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.workload import Convolution
from skipbeat_mapper.placing.banks import Banks
from skipbeat_mapper.tiles.tile_statistics import group_counts
from tests.mapper.placed import group_of
from tests.mapper.random_nodes import few, node_of

MACHINES = {name: Machine.of(load_hardware(name)) for name in ("tiny-4x4", "edge-16x16", "edge-16x16-m8")}


POWERS = (1, 2, 4, 8, 16)


@pytest.mark.parametrize("preset", MACHINES)
@pytest.mark.parametrize("fine", [False, True])
@pytest.mark.parametrize("channels", [1, 8, 17, 64, 100, 197, 300])
def test_channel_groups_lie_in_the_banks_one_after_the_other(preset: str, fine: bool, channels: int) -> None:
    machine = MACHINES[preset]
    banks, rows = Banks.of(channels, machine, fine=fine), machine.hw.array.rows
    groups = banks.blocks * machine.bundles
    assert banks.blocks == -(-channels // machine.vector)
    begins = list(itertools.accumulate(banks.periods, initial=0))
    for block in range(banks.blocks):
        bank, plane = banks.place(block)
        assert begins[plane] + bank == block * machine.bundles
        assert bank + machine.bundles <= banks.repeat(block) == banks.periods[plane]
    assert banks.period == (rows if groups >= rows else min(n for n in POWERS if n >= groups))
    assert banks.taps * banks.period == rows
    whole, left = divmod(groups, rows)
    assert banks.periods[:whole] == (rows,) * whole
    if not fine or not whole:
        assert banks.periods[whole:] == ((min(n for n in POWERS if n >= left),) if left else ())


def test_what_is_left_behind_full_planes_is_halved() -> None:
    """13 blocks of 16 channels: with M = 8 eight fill a plane, with M = 4 four do."""
    assert Banks.of(197, MACHINES["edge-16x16-m8"]).periods == (16, 16)
    assert Banks.of(197, MACHINES["edge-16x16-m8"], fine=True).periods == (16, 8, 2)
    assert Banks.of(197, MACHINES["edge-16x16"]).periods == (16, 16, 16, 4)
    assert Banks.of(240, MACHINES["edge-16x16"], fine=True).periods == (16, 16, 16, 8, 4)


@pytest.mark.parametrize("preset", MACHINES)
@pytest.mark.parametrize("channels", [1, 17, 64, 100, 197, 300])
@pytest.mark.parametrize("taps", [1, 3, 9])
def test_steps_of_each_tile(preset: str, channels: int, taps: int) -> None:
    """Those of the fullest row."""
    machine = MACHINES[preset]
    banks, group = Banks.of(channels, machine), machine.hw.array.group
    for slots in (1, group // 2, group):
        counts = np.full((taps, sum(banks.periods), 1), slots, np.uint8)
        assert banks.beats(taps, slots) == banks.arrange_counts(counts).max(axis=(1, 2)).tolist()


def test_a_product_of_two_activations_has_fine_planes() -> None:
    machine = MACHINES["edge-16x16-m8"]
    node = node_of(Convolution(batch=1, c_in=197, c_out=16, height=1, width=9, kernel=(1, 1)))
    assert Banks.of_node(node, machine) == Banks.of(197, machine)
    product = dataclasses.replace(node, operand=True)
    assert Banks.of_node(product, machine) == Banks.of(197, machine, fine=True)


@pytest.mark.parametrize(("preset", "fine", "steps"), [("edge-16x16", False, 13), ("edge-16x16-m8", True, 13)])
def test_rows_of_the_same_group_share_its_weights(preset: str, fine: bool, steps: int) -> None:
    """197 dense channels take 12.3 steps of 16 rows at least."""
    banks = Banks.of(197, MACHINES[preset], fine=fine)
    tiles = banks.arrange(np.ones((1, 197, 1), np.int8))
    assert np.count_nonzero(tiles, axis=2).max(axis=(1, 2)).sum() == steps


@pytest.mark.parametrize("preset", MACHINES)
@pytest.mark.parametrize("channels", [1, 17, 300])
def test_in_slices_a_channel_block_has_a_plane_and_is_in_all_banks(preset: str, channels: int) -> None:
    machine = MACHINES[preset]
    banks = Banks.of(channels, machine).sliced()
    assert [banks.place(block) for block in range(banks.blocks)] == [(0, plane) for plane in range(banks.planes)]
    assert (banks.period, banks.taps * machine.bundles) == (machine.bundles, machine.hw.array.rows)
    assert (banks.loaded, banks.turns) == (1, banks.blocks)


@pytest.mark.parametrize("preset", MACHINES)
@pytest.mark.parametrize("kind", ["plain", "fine", "sliced"])
@few
@given(st.integers(1, 120), st.integers(1, 12), st.integers(1, 3), st.integers(0, 99))
def test_every_weight_is_once_where_its_activation_comes_by(
    preset: str, kind: str, channels: int, taps: int, outputs: int, seed: int
) -> None:
    banks, rng = Banks.of(channels, MACHINES[preset], fine=kind == "fine"), np.random.default_rng(seed)
    banks = banks.sliced() if kind == "sliced" else banks
    weight = rng.integers(-128, 128, (taps, channels, outputs), np.int8)
    weight[rng.random(weight.shape) < 0.4] = 0
    arranged, cell_taps = banks.arrange(weight), banks.cell_taps(taps)
    assert arranged.shape == (*cell_taps.shape, banks.group, outputs)
    found = [[[list[int]() for _ in range(outputs)] for _ in range(channels)] for _ in range(taps)]
    for tile, row, index, output in zip(*np.nonzero(arranged), strict=True):
        group = group_of(banks, int(tile), int(row))
        tap = int(cell_taps[tile, row])
        assert tap >= 0
        found[tap][group * banks.group + int(index)][output].append(int(arranged[tile, row, index, output]))
    for at in itertools.product(range(taps), range(channels), range(outputs)):
        value = int(weight[at])
        assert found[at[0]][at[1]][at[2]] == ([value] if value else [])


@pytest.mark.parametrize("preset", MACHINES)
@few
@given(st.integers(1, 120), st.integers(1, 12), st.integers(0, 99), st.booleans())
def test_counts_are_those_of_the_arranged_weights(preset: str, channels: int, taps: int, seed: int, fine: bool) -> None:
    banks, rng = Banks.of(channels, MACHINES[preset], fine=fine), np.random.default_rng(seed)
    weight = (rng.random((taps, channels, 3)) < 0.6).astype(np.int8)
    counts = banks.arrange_counts(group_counts(weight, banks.group))
    assert np.array_equal(counts, np.count_nonzero(banks.arrange(weight), axis=2))


@pytest.mark.parametrize(
    ("channels", "taps", "sets"), [(4, 1, (0, 0, 0, 0)), (4, 2, (0, 0, 1, 1)), (4, 3, (0, 1, 2, -1)), (8, 1, (0, 0))]
)
def test_taps_that_are_left_over_are_shared_by_all_row_sets(channels: int, taps: int, sets: tuple[int, ...]) -> None:
    assert Banks.of(channels, MACHINES["tiny-4x4"]).row_sets(0, taps) == sets
