"""`skipbeat estimate` on models of every source, as a stranger would call it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from skipbeat.cli import main
from skipbeat.commands.estimate import DEFAULT_TABLE
from skipbeat_reports.estimate.data import to_json
from skipbeat_sim.energy import load_table
from tests.skipbeat.command_line import json_object

pytestmark = pytest.mark.usefixtures("trained_before")

LARGE = ("--hw", "large-32x32")
OWN = """
import torch
from torch import nn

import skipbeat

from .layers import Block


def build():
    torch.manual_seed(0)
    model, inputs = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), Block(16)), torch.zeros(2, 3, 8, 8)
    estimate = skipbeat.estimate(skipbeat.prune(model, "2:4", example_inputs=inputs), inputs, "edge-8x8")
    patterns = [(layer.name, layer.pattern) for layer in estimate.layers if layer.layer]
    print("my own code talks", patterns, estimate.batch)
    return model, (inputs,)
"""
LAYERS = """
from torch import nn


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return self.conv(x).relu() + x
"""


def check_keys(report: dict[str, Any]) -> None:
    assert {"model", "hardware", "layers", "host_ops", "total"} <= set(report)
    for layer in report["layers"]:
        assert {
            "name",
            "kind",
            "shape",
            "pattern",
            "density",
            "macs",
            "macs_dense",
            "cycles",
            "cycles_dense",
            "speedup",
            "speedup_limit",
            "utilization",
            "bound",
            "dram_bytes",
            "weight_bits",
            "energy_pj",
        } <= set(layer)
        assert set(layer["weight_bits"]) == {"values", "metadata"}
        assert (layer["utilization"] > 0) == layer["layer"]
        # A layer's first steps may come before the last outputs of the one before have left.
        assert layer["utilization"] <= 1.01
    assert {
        "cycles",
        "cycles_dense",
        "speedup",
        "speedup_limit",
        "utilization",
        "latency_ms",
        "throughput_per_s",
        "energy_uj",
    } <= set(report["total"])


def test_the_default_table_is_sim_s() -> None:
    assert DEFAULT_TABLE == load_table.DEFAULT_TABLE


def test_the_layers_add_up(capsys: pytest.CaptureFixture[str]) -> None:
    report = json_object(capsys, "estimate", "zoo:digits-cnn", "--prune", "2:4", "--batch", "2")
    check_keys(report)
    layers, total = report["layers"], report["total"]
    assert report["batch"] == 2
    assert [layer["pattern"] for layer in layers] == ["dense", "2:4", "2:4", "2:4"]
    assert total["cycles"] == sum(layer["cycles"] for layer in layers)
    assert total["cycles_dense"] == sum(layer["cycles_dense"] for layer in layers)
    assert total["energy_uj"] == pytest.approx(sum(layer["energy_pj"] for layer in layers) / 1e6)
    assert total["latency_ms"] == pytest.approx(total["cycles"] / 200e3)
    assert total["throughput_per_s"] == pytest.approx(2e3 / total["latency_ms"])
    assert 1 < total["speedup"] <= total["speedup_limit"]


def test_untrained_weights_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    report = json_object(capsys, "estimate", "zoo:resnet-9", "--prune", "2:4")
    assert any("not trained" in sentence for sentence in report["assumptions"])


def test_people_get_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", "zoo:digits-cnn"]) == 0
    out, err = capsys.readouterr()
    assert "conv3" in out
    assert "assumption: " in out
    said = err.splitlines()  # nothing is trained where another test has left its description
    assert said[-1] == "skipbeat: pricing 4 layers on edge-16x16"
    assert said[:-1] in ([], ["skipbeat: training zoo:digits-cnn on the digits"])


def test_files_and_the_explanation(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wanted = ("--html", "out/page.html", "--trace", "out/trace.json", "--explain", "conv2")
    assert main(["estimate", "zoo:digits-cnn", *wanted]) == 0
    out = capsys.readouterr().out
    assert out.startswith("conv2: conv ")
    assert "loops, outermost first" in out
    assert (tmp_path / "out" / "page.html").read_text().startswith("<!doctype html>")
    assert json.loads((tmp_path / "out" / "trace.json").read_text())["traceEvents"]


def test_another_table_changes_energies_alone(capsys: pytest.CaptureFixture[str]) -> None:
    one, other = (
        json_object(capsys, "estimate", "zoo:digits-cnn", "--table", table)
        for table in ("horowitz-45nm", "accelergy-40nm")
    )
    assert one["total"]["cycles"] == other["total"]["cycles"]
    assert one["total"]["energy_uj"] != other["total"]["energy_uj"]
    assert other["energy_table"].startswith("accelergy-40nm")


def test_a_scheme_s_file_prunes_layer_by_layer(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "scheme.yaml"
    path.write_text('default: "2:4"\nlayers:\n  conv3: {n: 1, m: 4}\n  fc: dense\n')
    report = json_object(capsys, "estimate", "zoo:digits-cnn", "--prune", str(path))
    assert [layer["pattern"] for layer in report["layers"]] == ["dense", "2:4", "1:4", "dense"]


def test_a_stranger_s_package_may_be_called_models(tmp_path: Path) -> None:
    """It is found by the command, calls the API itself, and hears no warning."""
    package = tmp_path / "models"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "layers.py").write_text(LAYERS)
    (package / "mine.py").write_text(OWN)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "skipbeat", "estimate", "models.mine:build", "--prune", "1:4", "--json"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env=environment,
    )
    report = json.loads(done.stdout)
    check_keys(report)
    assert [layer["name"] for layer in report["layers"] if layer["layer"]] == ["0", "1.conv"]
    assert [layer["pattern"] for layer in report["layers"] if layer["layer"]] == ["dense", "1:4"]
    assert [layer["kind"] for layer in report["layers"] if not layer["layer"]] == ["addition"]
    assert report["batch"] == 2
    assert "my own code talks [('0', 'dense'), ('1.conv', '2:4')] 2" in done.stderr


def test_a_checkpoint_and_an_exported_file_are_the_same_model(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    linears = nn.Linear(64, 32), nn.Linear(32, 32)
    with torch.no_grad():
        for linear in linears:
            linear.weight.uniform_(0.5, 1)  # none is so small that int8 makes it zero
            linear.weight.view(32, -1, 4)[:, :, 1:3] = 0
    model = nn.Sequential(linears[0], nn.ReLU(), linears[1]).eval()
    inputs = (torch.zeros(5, 64),)
    torch.export.save(torch.export.export(model, inputs), "model.pt2")
    save_file(model.state_dict(), "model.safetensors")
    (tmp_path / "own_plain.py").write_text(
        "import torch\nfrom torch import nn\n\n\ndef build():\n"
        "    return nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 32)), (torch.zeros(5, 64),)\n"
    )
    exported = json_object(capsys, "estimate", "model.pt2")
    loaded = json_object(capsys, "estimate", "own_plain:build", "--checkpoint", "model.safetensors")
    bare = json_object(capsys, "estimate", "model.safetensors", "--tokens", "5")
    assert [layer["pattern"] for layer in exported["layers"]] == ["2:4", "2:4"]
    assert exported["total"] == loaded["total"]
    assert [layer["macs"] for layer in bare["layers"]] == [layer["macs"] for layer in exported["layers"]]
    # A checkpoint says nothing of what follows what: each of its layers is a program of its own.
    assert (len(bare["runs"]), len(exported["runs"])) == (2, 1)
    assert bare["total"]["cycles"] > exported["total"]["cycles"]
    assert (exported["batch"], loaded["batch"], bare["batch"]) == (5, 5, 1)


@pytest.fixture(scope="module")
def resnet_18() -> dict[tuple[str, ...], dict[str, Any]]:
    """ResNet-18 on large-32x32, as it is and pruned, with the memory as it is and slow."""
    from skipbeat.estimation import estimate_source
    from skipbeat_arch.hardware import load_hardware
    from skipbeat_models.scheme import Scheme

    found: dict[tuple[str, ...], dict[str, Any]] = {}
    cases: tuple[tuple[str, ...], ...] = (), ("2:4",), ("2:4", "memory.bytes_per_clock=8")
    for case in cases:
        found[case] = to_json(
            estimate_source(
                "zoo:resnet-18",
                load_hardware("large-32x32", case[1:]),
                table=DEFAULT_TABLE,
                scheme=Scheme.parse(case[0]) if case else None,
                progress=lambda _: None,
            )
        )
    return found


@pytest.mark.slow
def test_resnet_18_dense_and_2_4(resnet_18: dict[tuple[str, ...], dict[str, Any]]) -> None:
    dense, sparse = resnet_18[()], resnet_18["2:4",]
    check_keys(dense)
    check_keys(sparse)
    assert 1_771_484 <= dense["total"]["cycles_layers"] <= 2_000_000
    assert sparse["total"]["cycles_dense"] == dense["total"]["cycles"]
    assert sparse["total"]["cycles_layers"] <= 1_050_000
    assert [layer["pattern"] for layer in sparse["layers"] if layer["layer"]] == ["dense", *["2:4"] * 20]
    assert [layer["kind"] for layer in sparse["layers"] if not layer["layer"]] == ["max pooling", "average pooling"]
    for report in (dense, sparse):
        assert report["total"]["utilization"] <= 1


@pytest.mark.slow
def test_resnet_18_with_a_slow_memory(resnet_18: dict[tuple[str, ...], dict[str, Any]]) -> None:
    slow = resnet_18["2:4", "memory.bytes_per_clock=8"]
    check_keys(slow)
    assert slow["total"]["cycles"] >= slow["total"]["dram_bytes"] / 8
    clearly = []
    for layer in slow["layers"]:
        bounds = layer["schedule"]["bounds"]
        if max(clocks for bound, clocks in bounds.items() if bound != "memory") <= bounds["memory"] / 2:
            clearly.append(layer)
            assert layer["bound"] == "memory"
    assert {"conv1", "layer4.1.conv2", "fc"} <= {layer["name"] for layer in clearly}
    # A part of what a layer loads may come while the one before runs, so some take less than their own bytes.
    assert sum(layer["cycles"] for layer in clearly) <= 1.05 * sum(layer["dram_bytes"] for layer in clearly) / 8
