"""Events counted from the program alone; `test_timing.py` holds them against the cycle model."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.command import Encoding
from skipbeat_arch.tile import pack_tile
from skipbeat_arch.timing import Events
from skipbeat_sim.timing.event_counts import event_counts
from skipbeat_sim.timing.pass_columns import PassColumns
from skipbeat_verify.core_passes import small_hardware
from tests.sim.timing.core_timing_cases import null_pass, reuse_pass

HW = small_hardware(4, 4, 4, 2)


def test_events_of_two_passes_by_hand() -> None:
    weights = np.zeros((2, 4, 3), np.int8)
    weights[0, :2, 0], weights[1, 3, 2] = 5, -1
    tile = pack_tile(weights, HW, Encoding.BITMAP)
    commands = [tile.command(5, first=True, last=False), null_pass(5, first=False)]
    assert event_counts(PassColumns.of(commands, [tile]), HW) == Events(
        macs=5 * 3,
        slots_idle=15 * 16 - 15,
        bundle_reads=5 * 2,
        weight_slot_reads=15 * 16,
        weight_slot_writes=2 * 2 * 4,
        psum_hops=15 * 16,
        accumulator_reads=5 * 4,
        accumulator_writes=5 * 4,
        results=5 * 4,
        groups_decoded=2 * 4,
        value_bits=32,
        metadata_bits=32,
    )


def test_a_tile_used_again_moves_bundles_but_no_weights() -> None:
    tile = pack_tile(np.ones((3, 4, 2), np.int8), HW, Encoding.DENSE)
    once = event_counts(PassColumns.of([tile.command(5, first=True, last=True)], [tile]), HW)
    twice = event_counts(PassColumns.of([tile.command(5, first=True, last=True), reuse_pass(tile, 7)], [tile]), HW)
    assert twice.macs - once.macs == 7 * 3 * 4 * 2
    assert twice.bundle_reads - once.bundle_reads == 7 * 3
    assert (twice.value_bits, twice.metadata_bits, twice.groups_decoded) == (once.value_bits, 0, 0)
    assert twice.weight_slot_writes == once.weight_slot_writes


def test_no_commands_no_events() -> None:
    assert event_counts(PassColumns.of([], []), HW) == Events()
