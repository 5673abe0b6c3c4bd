"""Sparseloop's tensor core against the numbers that its artifact prints."""

from __future__ import annotations

import pytest

from skipbeat_arch.hardware import load_hardware
from skipbeat_mapper.references.sparseloop import (
    PUBLISHED_CASE,
    activation_bytes_per_clock,
    beat_at_bandwidth,
    tensor_core,
)

HW = load_hardware("large-32x32")


@pytest.mark.parametrize(
    ("sparse", "cycles"), [((4, 4), 147_456), ((2, 4), 73_728), ((2, 6), 70_218), ((2, 8), 66_707)]
)
def test_the_tensor_core_as_sparseloop_prints_it(sparse: tuple[int, int], cycles: int) -> None:
    core = tensor_core(PUBLISHED_CASE, sparse)
    if sparse == (4, 4):  # run on the design without sparsity, whose weights have no metadata
        assert core.compute == cycles
    else:
        assert core.cycles == cycles


def test_the_published_words_of_the_shared_memory() -> None:
    core = tensor_core(PUBLISHED_CASE, (2, 8))
    assert (core.activations, core.weights, core.metadata) == (2_359_296, 294_912, 147_456)
    assert core.compute == 36_864


def test_activation_bandwidth_that_a_pattern_needs() -> None:
    wide = load_hardware("large-32x32", ["array.group=8"])
    assert activation_bytes_per_clock(HW, 2) == 2 * 32
    assert activation_bytes_per_clock(wide, 2) == 4 * 32
    assert beat_at_bandwidth(wide, 2, activation_bytes_per_clock(HW, 2)) == 4
    assert beat_at_bandwidth(wide, 8, activation_bytes_per_clock(HW, 2)) == 8
