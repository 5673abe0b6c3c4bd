"""`skipbeat simulate`, `compile` and `program`, with networks trained in the test."""

from __future__ import annotations

from pathlib import Path

import pytest

from skipbeat.cli import main
from tests.skipbeat.command_line import complaint, json_object

TINY = ("--hw", "tiny-4x4")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("source", ["zoo:digits-cnn", "zoo:tiny-resnet"])
def test_a_network_runs_on_the_rtl_as_on_the_model(capsys: pytest.CaptureFixture[str], source: str) -> None:
    report = json_object(capsys, "simulate", source, "--rtl", "--images", "4", "--batch", "2", *TINY)
    assert report["agrees"]
    assert report["bit_exact"]
    assert report["rtl_cycles"] == report["model_cycles"] == report["timing_cycles"] > 0
    assert report["core_speed"] == report["steps"] / report["timing_cycles"] <= 1
    for layer in report["layers"]:
        assert layer["bound"] in layer["bounds"]
        assert layer["rtl_cycles"] == layer["model_cycles"] == layer["timing_cycles"]


@pytest.mark.slow
def test_a_program_is_written_and_printed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "digits.skb"
    assert main(["compile", "zoo:digits-cnn", *TINY, "-o", str(file)]) == 0
    capsys.readouterr()
    assert main(["program", str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("; for tiny-4x4, fingerprint ")
    assert any(line.startswith("HEADER ") for line in lines)
    assert lines[-1].startswith("END")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert "checksum" in complaint(capsys, "program", str(file))


def test_hardware_without_an_accelerator_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert "power of two" in complaint(capsys, "simulate", "zoo:digits-cnn", *TINY, "--set", "array.rows=3")
    assert "no such preset" in complaint(capsys, "simulate", "zoo:digits-cnn", "--hw", "none-such")


def test_a_batch_divides_the_images(capsys: pytest.CaptureFixture[str]) -> None:
    assert "2 does not divide 3" in complaint(
        capsys, "simulate", "zoo:digits-cnn", *TINY, "--images", "3", "--batch", "2"
    )


def test_what_is_no_program_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "x.skb"
    file.write_text("not a program")
    assert "not a skipbeat program" in complaint(capsys, "program", str(file))
    assert "cannot be read" in complaint(capsys, "program", str(tmp_path / "missing.skb"))


def test_a_user_s_own_network_is_compiled_and_simulated(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "own_network.py").write_text(
        "import torch\nfrom torch import nn\n\n\ndef build():\n    torch.manual_seed(0)\n"
        "    layers = nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 4)\n"
        "    return nn.Sequential(*layers), (torch.randn(3, 1, 8, 8),)\n\n\n"
        "def line():\n    return nn.Linear(4, 2), (torch.zeros(1, 4),)\n"
    )
    report = json_object(capsys, "simulate", "own_network:build", "--images", "2", *TINY)
    assert report["agrees"]
    assert report["pattern"] == "as it is"
    assert report["model_cycles"] == report["timing_cycles"] > 0
    pruned = json_object(capsys, "simulate", "own_network:build", "--pattern", "1:4", "--no-cycle-model", *TINY)
    assert pruned["pattern"] == "1:4"
    assert pruned["timing_cycles"] < report["timing_cycles"]
    assert main(["compile", "own_network:build", *TINY, "-o", "own.skb"]) == 0
    capsys.readouterr()
    assert main(["program", "own.skb"]) == 0
    assert capsys.readouterr().out.startswith("; for tiny-4x4, ")
    assert main(["simulate", "own_network:line", *TINY]) == 2
    assert capsys.readouterr().err.endswith("expected example inputs that are one tensor of images [N, C, H, W]\n")
    assert main(["simulate", "own_network:build", "--images", "4", *TINY]) == 2
    assert "own_network:build has 3 images, not 4" in capsys.readouterr().err
    assert "expected zoo:NAME or module:function" in complaint(capsys, "simulate", "network.pt2", *TINY)
