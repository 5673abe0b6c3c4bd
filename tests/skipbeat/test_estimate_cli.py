"""`skipbeat estimate zoo:digits-cnn`, with the network trained and pruned in the test."""

from __future__ import annotations

import pytest

from skipbeat.cli import main
from tests.skipbeat.command_line import TINY, json_object

pytestmark = pytest.mark.slow  # the network is trained


def test_the_layers_add_up(capsys: pytest.CaptureFixture[str]) -> None:
    report = json_object(capsys, "estimate", "zoo:digits-cnn", "--pattern", "2:4", *TINY, "--batch", "2")
    assert report["cycles"] == sum(layer["cycles"] for layer in report["layers"]) > 0
    assert report["cycles_dense"] == sum(layer["cycles_dense"] for layer in report["layers"])
    assert report["speedup"] == pytest.approx(report["cycles_dense"] / report["cycles"])
    assert report["speedup"] > 1.3
    for layer in report["layers"]:
        assert {"name", "pattern", "cycles", "cycles_dense", "speedup", "utilization"} <= set(layer)
        assert 0 < layer["utilization"] <= 1
    assert report["rtl"] is None
    assert report["pattern"] == "2:4"


def test_people_get_a_table_and_the_assumptions(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", "zoo:digits-cnn", *TINY]) == 0
    out, err = capsys.readouterr()
    assert "images per second at 200 MHz" in out
    assert "assumption: " in out
    assert err.startswith("skipbeat: ")
