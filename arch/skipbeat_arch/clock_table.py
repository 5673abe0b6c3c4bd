"""Clocks and areas that were measured, with what measured them: a table that `skipbeat synth --record` rewrites."""

from __future__ import annotations

import json
import statistics
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter

from .files import write_text

TABLE = Path(__file__).with_name("clock_table.json")
#: Areas alone, of many configurations, which `benchmarks/area_table.py` makes; `area_model` is fitted to them.
AREA_TABLE = Path(__file__).with_name("area_table.json")

#: The top whose clock is a preset's: all of it, with its buses and memories.
WHOLE = "accelerator"


class ClockMeasurement(BaseModel):
    """The cells of one design after synthesis, and its frequency after place and route.

    Attributes:
        preset, overrides: the hardware description, as `--hw` and `--set`.
        top: what was measured. device: what it was routed for, with its speed grade.
        fingerprint: of the RTL that was measured; the RTL of today may have another one.
        frequencies: MHz by the seed of the placer; none if it was not routed.
        area: cells by kind, as `skipbeat synth` counts them.
        tools: names and versions. command: repeats it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    preset: str
    overrides: tuple[str, ...] = ()
    top: str
    device: str
    fingerprint: str
    frequencies: dict[int, float] = {}
    area: dict[str, int] = {}
    tools: tuple[str, ...]
    command: str

    @property
    def clock_mhz(self) -> float | None:
        """The median over the seeds, in tenths of a MHz; None if it was not routed."""
        return round(statistics.median(self.frequencies.values()), 1) if self.frequencies else None

    @property
    def _key(self) -> tuple[str, tuple[str, ...], str, str]:
        return self.preset, self.overrides, self.top, self.device


_ROWS = TypeAdapter(tuple[ClockMeasurement, ...])


@cache
def measurements(table: Path = TABLE) -> tuple[ClockMeasurement, ...]:
    """All rows of the table."""
    return _ROWS.validate_json(table.read_bytes())


def preset_measurement(preset: str) -> ClockMeasurement | None:
    """What a preset's clock comes from: the whole of it, or else of what overrides make of it; None: not measured."""
    whole = [row for row in measurements() if row.preset == preset and row.top == WHOLE and row.frequencies]
    return min(whole, key=lambda row: len(row.overrides), default=None)


def record(measurement: ClockMeasurement, table: Path = TABLE) -> None:
    """Put a row into the table, in place of an older one of the same design and device.

    Raises:
        InputError: the table cannot be written.
    """
    rows = [row for row in measurements(table) if row._key != measurement._key]
    rows = sorted([*rows, measurement], key=lambda row: row._key)
    write_text(table, json.dumps([row.model_dump(mode="json") for row in rows], indent=2) + "\n")
    measurements.cache_clear()
