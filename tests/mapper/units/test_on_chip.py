"""Sizes of the memories."""

from __future__ import annotations

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import TABLE_ENTRIES, Machine
from skipbeat_mapper.units.on_chip import memory_sizes
from skipbeat_mapper.units.units import Space


def test_sizes_are_what_addresses_reach() -> None:
    sizes = memory_sizes(Machine.of(load_hardware("tiny-4x4", ["activations.buffer_kib=1024"])), 5)
    assert set(sizes) == set(Space)
    assert (sizes[Space.MEMORY], sizes[Space.ACTIVATIONS], sizes[Space.TABLE]) == (5, (1 << 16) - 1, TABLE_ENTRIES)
