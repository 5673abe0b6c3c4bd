"""What every command prints with --json is what its own JSON Schema describes, key for key."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jschon
import pytest

import skipbeat_hw.tools.standard_cells as standard_cells
import skipbeat_hw.tools.synthesis as synthesis
from skipbeat.cli import main
from skipbeat.results import provenance
from skipbeat_arch.estimate import Estimate
from skipbeat_hw.tools.standard_cells import CellEstimate
from skipbeat_hw.tools.synthesis import Area, Part, Synthesis
from skipbeat_reports.ran import Ran
from skipbeat_reports.schemas import RESULTS, json_schema
from tests.reports.estimate.estimates import make_estimate
from tests.reports.test_ran import RAN
from tests.skipbeat.command_line import TINY, json_object

pytestmark = [
    pytest.mark.usefixtures("trained_before"),
    pytest.mark.filterwarnings("ignore:Please use rfc3986:DeprecationWarning"),
]

MODELS = """
from torch import nn, zeros

def build():
    return nn.Sequential(nn.Linear(8, 8), nn.Softmax(-1), nn.Linear(8, 8)).eval(), (zeros(4, 8),)
"""
STUDY = """
name: small
models: [tests.skipbeat.study_models:build]
hardware: {base: [tiny-4x4]}
objectives: [clocks]
"""
MACHINE = ("--hw", "tiny-4x4")
ESTIMATE = ("estimate", "zoo:digits-cnn", *MACHINE, "--prune", "2:4")
#: Kind -> the command that prints it; the files that some read are made by `files`.
COMMANDS: dict[str, tuple[str, ...]] = {
    "archive": ("program", "net.zip"),
    "cache": ("cache",),
    "cells": ("synth", *TINY, "--liberty", "cells.lib"),
    "compare": ("compare", "estimate.json", "estimate.json"),
    "cosim": ("cosim", *MACHINE, "--gemm", "3,9,4"),
    "demo": ("demo", *TINY, "--out", "report"),
    "estimate": (*ESTIMATE, "--permute", "--iso"),
    "hardware": ("hardware",),
    "presets": ("hardware", "--presets"),
    "program": ("program", "net.bin"),
    "regress": ("regress", "--cases", "1", "--jobs", "1", *TINY),
    "simulate": ("simulate", "zoo:digits-cnn", *MACHINE, "--no-cycle-model"),
    "sweep": ("sweep", "study.yaml"),
    "synth": ("synth", *TINY),
    "train-estimate": ("train-estimate", "tests.skipbeat.training_models:small", *MACHINE, "--batch", "4"),
    "train": ("train", "zoo:digits-cnn", "--steps", "1", "--batch", "16"),
    "validate": ("validate",),
    "zoo": ("zoo",),
}


def fits(found: dict[str, Any]) -> None:
    """Complain unless a result is valid by the schema that `skipbeat schema` prints of its kind."""
    jschon.create_catalog("2020-12")
    outcome = jschon.JSONSchema(json_schema(found["schema"].split("/")[1])).evaluate(jschon.JSON(found))
    assert outcome.valid, outcome.output("basic")


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    Path("format_models.py").write_text(MODELS)
    Path("study.yaml").write_text(STUDY)
    monkeypatch.setattr(synthesis, "synthesise", _synthesised)
    monkeypatch.setattr(standard_cells, "estimate_cells", _in_cells)
    monkeypatch.setattr("skipbeat.demonstration.demonstrate", _demonstrated)


def _synthesised(_text: str, top: str, part: Part, **_: object) -> Synthesis:
    return Synthesis(part=part, top=top, area=Area(dsp=7), seeds=(1,), fmax_mhz=(90.0,), tools=("a",), folder=Path())


def _in_cells(*_: object) -> CellEstimate:
    return CellEstimate(
        top="core",
        library="small",
        area=12.5,
        cells=9,
        registers=4,
        memory_bits=0,
        delay_ns=1.5,
        tools=("a",),
        folder=Path(),
    )


def _demonstrated(*_: object, **__: object) -> tuple[Estimate, Ran]:
    return replace(make_estimate(), provenance=provenance(seed=0)), RAN


def test_every_kind_is_here() -> None:
    assert list(COMMANDS) == list(RESULTS)


@pytest.mark.parametrize("kind", COMMANDS)
def test_a_result_fits_its_schema(capsys: pytest.CaptureFixture[str], kind: str) -> None:
    if kind == "sweep":
        pytest.importorskip("optuna")
    if kind == "archive":
        assert main(["compile", "format_models:build", *MACHINE, "-o", "net.zip"]) == 0
    if kind == "program":
        assert main(["compile", "zoo:digits-cnn", *MACHINE, "-o", "net.bin"]) == 0
    if kind == "compare":
        Path("estimate.json").write_text(json.dumps(json_object(capsys, *ESTIMATE)))
    capsys.readouterr()
    found = json_object(capsys, *COMMANDS[kind])
    assert found["schema"].split("/")[1] == kind
    fits(found)
    if kind == "demo":
        assert json.loads(Path("report/summary.json").read_text()) == found
        fits(json_object(capsys, "compare", "report/summary.json", "report/summary.json"))
