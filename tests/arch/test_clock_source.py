"""A clock is called measured only for the hardware, the device and the frequency that were measured."""

from __future__ import annotations

import pytest

from skipbeat_arch import clock_source as sources
from skipbeat_arch import clock_table as tables
from skipbeat_arch.clock_source import ASSUMED, clock_source
from skipbeat_arch.hardware import load_hardware
from tests.arch.test_clock_table import measurement

ROWS = (
    measurement(overrides=()),
    measurement(preset="edge-8x8", overrides=("array.rows=4", "outputs.lanes=2"), frequencies={1: 80}),
    measurement(preset="edge-16x16", top="array"),
)


@pytest.fixture(autouse=True)
def _table(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (sources, tables):
        monkeypatch.setattr(module, "measurements", lambda: ROWS)


@pytest.mark.parametrize(
    ("source", "overrides", "expected"),
    [
        ("tiny-4x4", [], "measured on LFE5U-85F-6"),
        ("tiny-4x4", ["name=mine", "clock_mhz=100"], "measured on LFE5U-85F-6"),
        ("tiny-4x4", ["clock_mhz=101"], ASSUMED),
        ("tiny-4x4", ["device=mine"], ASSUMED),
        ("tiny-4x4", ["array.rows=2"], ASSUMED),
        ("edge-8x8", [], "measured on LFE5U-85F-6 with array.rows=4, outputs.lanes=2"),
        ("edge-8x8", ["array.rows=4", "outputs.lanes=2"], "measured on LFE5U-85F-6"),
        ("edge-8x8", ["array.rows=4"], ASSUMED),
        ("edge-16x16", [], ASSUMED),
    ],
)
def test_where_a_clock_comes_from(source: str, overrides: list[str], expected: str) -> None:
    assert clock_source(load_hardware(source, overrides)) == expected


def test_programs_do_not_ask_for_the_device() -> None:
    """What is built, and so the fingerprint that a program carries, is the same on every device."""
    assert load_hardware("tiny-4x4").sizes == load_hardware("tiny-4x4", ["device=mine", "clock_mhz=1"]).sizes
