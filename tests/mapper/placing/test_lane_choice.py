"""Lanes of a folded pixel for the weights of a kernel: where taps overlap, a weight has several places."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch.arrays import BoolArray
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_mapper.placing import lane_choice
from skipbeat_mapper.placing.banks import Banks
from skipbeat_mapper.placing.lane_choice import Lanes, overlapping, side_by_side
from skipbeat_mapper.tiles.row_order import beats, sorted_order, steps, taken
from skipbeat_mapper.tiles.tile_statistics import cell_slots, group_counts
from tests.mapper.random_nodes import few

MACHINE = Machine.of(load_hardware("edge-16x16"))


def steps_of(present: BoolArray, lanes: Lanes, machine: Machine = MACHINE) -> int:
    """Steps for a pixel if rows take their fullest cells first, from the weights themselves."""
    rows = len(present)
    full = np.zeros((rows, lanes.taps, lanes.copies, lanes.depth), np.int8)
    row, _, channel = np.indices(present.shape)
    np.add.at(full, (row, lanes.chosen, lanes.copy, channel), present.astype(np.int8))
    assert full.max() <= 1, "one weight for a lane"
    banks = Banks.of(lanes.copies * lanes.depth, machine)
    counts = group_counts(full.reshape(rows * lanes.taps, -1, 1), machine.hw.array.group)
    slots = cell_slots(banks.arrange_counts(counts), machine.vector)
    return steps(beats(taken(slots, sorted_order(beats(slots), banks))))


@st.composite
def kernels(draw: st.DrawFn) -> BoolArray:
    """Where kernels of a few channels have weights: everywhere, or nearly."""
    shape = draw(st.integers(1, 7)), draw(st.integers(1, 7)), draw(st.integers(1, 5))
    seed = draw(st.integers(0, 99))
    return np.random.default_rng(seed).random(shape) < draw(st.sampled_from((1.0, 0.8)))


@few
@given(kernels(), st.integers(1, 3), st.integers(1, 40))
def test_every_weight_sits_in_a_lane_of_its_tap(present: BoolArray, least: int, below: int) -> None:
    lanes = overlapping(present, MACHINE, range(least, 16 // present.shape[2] + 1), below)
    if lanes is None:
        return
    assert lanes.first <= 0
    assert lanes.spacing >= least
    assert lanes.copies * lanes.depth <= MACHINE.vector
    assert lanes.chosen.min() >= 0
    assert lanes.chosen.max() < lanes.taps
    assert lanes.copy.min() >= 0
    assert lanes.copy.max() < lanes.copies
    assert -(-np.count_nonzero(present) // 16) <= steps_of(present, lanes) < below


@pytest.mark.parametrize(
    ("kernel", "stride", "hw", "before", "after"),
    [
        ((7, 7, 3), 2, "edge-16x16", 11, 10),
        ((7, 7, 3), 2, "edge-16x16-m8", 11, 10),
        ((3, 3, 3), 1, "edge-16x16", 3, 2),
        ((3, 3, 3), 1, "edge-8x8", 5, 4),
        ((5, 5, 3), 1, "edge-16x16", 8, 5),
    ],
)
def test_steps_of_well_known_kernels(
    kernel: tuple[int, int, int], stride: int, hw: str, before: int, after: int
) -> None:
    """The least that the weights of a kernel allow: their number over that of the rows, rounded up."""
    machine = Machine.of(load_hardware(hw))
    group, present = machine.hw.array.group, np.ones(kernel, np.bool_)
    depth = -(-kernel[2] // group) * group
    plain = side_by_side(kernel, min(machine.vector // depth, kernel[1]), depth)
    assert steps_of(present, plain, machine) == before
    spacings = range(stride, machine.vector // kernel[2] + 1, stride)
    lanes = overlapping(present, machine, spacings, before)
    assert lanes is not None
    assert steps_of(present, lanes, machine) == after == -(-present.size // machine.hw.array.rows)


def test_side_by_side_every_weight_has_one_place() -> None:
    lanes = side_by_side((2, 7, 3), 4, 4)
    assert (lanes.taps, lanes.first, lanes.spacing) == (2, 0, 4)
    np.testing.assert_array_equal(lanes.chosen[1, :, 2], [0, 0, 0, 0, 1, 1, 1])
    np.testing.assert_array_equal(lanes.copy[1, :, 2], [0, 1, 2, 3, 0, 1, 2])


def test_nothing_is_found_below_what_the_weights_allow() -> None:
    assert overlapping(np.ones((7, 7, 3), np.bool_), MACHINE, range(2, 6, 2), 10) is None


@few
@given(kernels(), st.sampled_from(("edge-16x16", "edge-8x8", "large-32x32", "edge-16x16-m8")), st.integers(1, 12))
def test_what_is_not_tried_would_not_have_fitted(present: BoolArray, hw: str, below: int) -> None:
    machine = Machine.of(load_hardware(hw))
    spacings = range(1, machine.vector // present.shape[2] + 1)
    found = []
    for most in (0, lane_choice.MOST_BANKS):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(lane_choice, "MOST_BANKS", most)
            lane_choice._overlapping.cache_clear()
            lanes = overlapping(present, machine, spacings, below)
            found.append(lanes and (lanes.spacing, lanes.first, lanes.taps, lanes.chosen.tolist()))
    assert found[0] == found[1]
