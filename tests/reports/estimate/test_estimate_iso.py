"""The comparison with a dense machine of the same resources, in the terminal and as JSON."""

from __future__ import annotations

import io
import json
from dataclasses import replace

from skipbeat_arch.estimate import Estimate
from skipbeat_arch.iso import IsoComparison
from skipbeat_reports.estimate import print_estimate, to_json
from tests.arch.test_iso import ECP5, of

MEASURED = f"measured on {ECP5}"


def shown(estimate: Estimate, iso: IsoComparison) -> str:
    file = io.StringIO()
    print_estimate(replace(estimate, iso=iso), file)
    return file.getvalue()


def test_it_shows_what_sparsity_hardware_buys(small: Estimate) -> None:
    iso = IsoComparison(
        machine=of("sparse", 1000, 80, MEASURED, lut=300), dense=of("dense", 1800, 100, MEASURED, lut=150)
    )
    text = shown(small, iso)
    rows = {line[: line.index("  ")]: line.split() for line in text.splitlines() if "  " in line}
    assert rows["cycles"][-3:] == ["1,000", "1,800", "1.80×"]
    assert rows["time"][-1] == "1.44×"
    assert rows[f"LUT, {ECP5}"][2:] == ["300", "150", "0.72×", "per", "LUT"]
    assert "is assumed" not in text
    data = to_json(replace(small, iso=iso))["iso"]
    assert json.loads(json.dumps(data)) == data
    assert data["per_area"][ECP5]["dsp"] == data["per_second"]


def test_it_says_what_was_not_measured(small: Estimate) -> None:
    iso = IsoComparison(machine=of("sparse", 10, 80, "assumed"), dense=of("dense", 18, 100, MEASURED, lut=101))
    text = " ".join(shown(small, iso).split())
    assert "a clock is assumed" in text
    assert f"the dense machine is not within this one's cells on {ECP5}" in text
    nothing = IsoComparison(machine=replace(iso.machine, areas={}), dense=iso.dense)
    assert "cells: not measured" in shown(small, nothing)
    assert to_json(small)["iso"] is None
