"""The whole machine's part of a summary: what counts as agreement, and what the page says of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from skipbeat_reports.machine_check import MachineCheck
from skipbeat_reports.page import render_report
from tests.reports.summaries import make_machine, make_summary

GOOD = make_machine()


def test_agreement_needs_bits_counters_cycles_and_every_layer() -> None:
    assert GOOD.agrees
    assert not replace(GOOD, bit_exact=False).agrees
    assert not replace(GOOD, counters_agree=False).agrees
    for level in ("rtl_cycles", "model_cycles", "timing_cycles"):
        assert not replace(GOOD, **{level: getattr(GOOD, level) + 1}).agrees
        layer = replace(GOOD.layers[0], **{level: getattr(GOOD.layers[0], level) + 1})
        assert not replace(GOOD, layers=(layer, *GOOD.layers[1:])).agrees


def test_core_speed_is_steps_per_clock() -> None:
    assert GOOD.core_speed == pytest.approx((512 + 9_600) / 12_040)


@pytest.mark.parametrize("machine", [GOOD, replace(GOOD, timing_cycles=12_041)], ids=["agrees", "differs"])
def test_the_page_states_what_the_machine_did(machine: MachineCheck) -> None:
    text = render_report(replace(make_summary(), machine=machine))
    assert ("of the whole machine do not agree" in text) is (not machine.agrees)
    for number in ("12,040", "2,210", "9,790", "9,600", "84.0"):
        assert number in text


def test_a_summary_without_a_machine_has_no_such_section() -> None:
    assert "The whole machine" not in render_report(replace(make_summary(), machine=None))
