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
    ran = report["ran"]
    assert min(ran["accuracy"][name] for name in ("dense", "pruned", "int8")) > 0.9
    assert ran["pattern"] == "2:4"
    for layer in report["layers"]:
        assert {"name", "pattern", "cycles", "cycles_dense", "speedup", "utilization"} <= set(layer)
    machine = ran["machine"]
    assert [machine[name] for name in ("agrees", "bit_exact", "counters_agree")] == [True] * 3
    assert machine["rtl_cycles"] == machine["model_cycles"] == machine["timing_cycles"] == report["total"]["cycles"]
    assert machine["images"] == report["batch"] == 16
    cycles = {layer["name"]: layer["cycles"] for layer in report["layers"]}
    assert cycles == {layer["name"]: layer["rtl_cycles"] for layer in machine["layers"]}
    assert {layer["bound"] for layer in machine["layers"]} <= {"compute", "memory", "decoder", "output"}
    page = (out / "report.html").read_text()
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "<script src" not in page
