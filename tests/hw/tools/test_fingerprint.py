"""Fingerprints of RTL: of what it is, not of where it stands; and those of the measured clocks are of today's RTL."""

from __future__ import annotations

from importlib.metadata import version

import pytest
from amaranth import Module, Signal
from amaranth.lib.wiring import Component, In, Out

from skipbeat_arch.clock_table import ClockMeasurement, measurements
from skipbeat_arch.hardware import load_hardware
from skipbeat_hw.core.cells import place
from skipbeat_hw.tools.fingerprint import rtl_fingerprint
from skipbeat_hw.tools.synthesis_tops import top_fingerprint


class _Step(Component):
    """A register after a sum."""

    def __init__(self, by: int) -> None:
        self.by = by
        super().__init__({"a": In(8), "y": Out(8)})

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.d.sync += self.y.eq(self.a + self.by)
        return m


class _Pair(_Step):
    """Two of them, one after the other, as shared cells."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        between = Signal(8)
        place(m, platform, "one", "step", lambda: _Step(self.by), a=self.a, y=between)
        place(m, platform, "two", "step", lambda: _Step(self.by), a=between, y=self.y)
        return m


@pytest.mark.parametrize("kind", [_Step, _Pair])
def test_it_is_of_what_is_built(kind: type[_Step]) -> None:
    first = rtl_fingerprint(kind(1), "top")
    assert first == rtl_fingerprint(kind(1), "top")
    assert first != rtl_fingerprint(kind(2), "top"), "also inside of a cell"


def test_lines_of_the_source_do_not_count() -> None:
    class Elsewhere(_Step):
        def elaborate(self, _platform: object) -> Module:
            m = Module()
            m.d.sync += self.y.eq(self.a + self.by)
            return m

    assert rtl_fingerprint(Elsewhere(1), "top") == rtl_fingerprint(_Step(1), "top")


@pytest.mark.slow
@pytest.mark.parametrize("row", measurements(), ids=lambda row: row.command)
def test_what_was_measured_is_what_there_is(row: ClockMeasurement) -> None:
    """Measuring takes many minutes, so that a change of the RTL may land before it: but not a release."""
    if f"amaranth {version('amaranth')}" not in row.tools:
        pytest.skip("measured with another version of Amaranth, which may write the same RTL otherwise")
    hw = load_hardware(row.preset, row.overrides)
    assert top_fingerprint(hw, row.top) == row.fingerprint, f"the RTL has changed since; measure again: {row.command}"
