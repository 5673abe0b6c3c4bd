"""`skipbeat demo` on a small array: everything, once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.skipbeat.command_line import json_object

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # the network is trained, and runs on the RTL
HARDWARE = ("--hw", "edge-8x8", "--set", "accumulators.depth=256")


def test_the_network_runs_on_the_rtl_and_is_reported(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "report"
    report = json_object(capsys, "demo", *HARDWARE, "--out", str(out))
    assert json.loads((out / "summary.json").read_text()) == report
    assert set(report["accuracy"]) >= {"dense", "pruned", "int8"}
    assert min(report["accuracy"][name] for name in ("dense", "pruned", "int8")) > 0.9
    rtl = report["rtl"]
    assert rtl["images"] == report["batch"] == 16
    assert rtl["bit_exact"] is True
    assert rtl["rtl_cycles"] == rtl["model_cycles"] == rtl["timing_cycles"] == report["cycles"]
    assert report["speedup"] == pytest.approx(report["cycles_dense"] / report["cycles"])
    assert report["pattern"] == "2:4"
    for layer in report["layers"]:
        assert {"name", "pattern", "cycles", "cycles_dense", "speedup", "utilization"} <= set(layer)
    machine = report["machine"]
    assert [machine[name] for name in ("agrees", "bit_exact", "counters_agree")] == [True] * 3
    assert machine["rtl_cycles"] == machine["model_cycles"] == machine["timing_cycles"]
    assert 0 < sum(layer["rtl_cycles"] for layer in machine["layers"]) <= machine["rtl_cycles"]
    assert [layer["name"] for layer in machine["layers"]] == [layer["name"] for layer in report["layers"]]
    assert {layer["bound"] for layer in machine["layers"]} <= {"compute", "memory", "decoder", "output"}
    page = (out / "report.html").read_text()
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "<script src" not in page
