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
