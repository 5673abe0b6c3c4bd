"""The density of a layer is that of its int8 weights wherever it is told, and so is the share that stays dense."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
import torch
from torch import nn

from skipbeat.cli import main
from skipbeat_reports.numbers import percent
from tests.reports.html_tables import Tables, number
from tests.skipbeat.command_line import json_object

MODEL = ("tests.skipbeat.test_one_density:build", "--hw", "tiny-4x4")
#: Of 256 weights of each layer, those that int8 has not as zero, and the pattern of the weights as they are.
LEFT = {"0": (243, "dense"), "1": (112, "2:4"), "2": (128, "dense")}


def build() -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    """Three layers whose small weights become zero in int8: few of the first, of 2:4, and half of a dense one."""
    dense, pruned, rounded = (torch.ones(256) for _ in range(3))
    dense[1 : 14 * 16 : 16][:13] = 1e-3
    pruned[0::4] = pruned[1::4] = 0
    pruned[2::16] = 1e-3
    rounded[0::2] = 1e-3
    model = nn.Sequential(*(nn.Linear(16, 16, bias=False) for _ in range(3)))
    for parameter, values in zip(model.parameters(), (dense, pruned, rounded), strict=True):
        parameter.data = values.reshape(16, 16)
    return model.eval(), (torch.ones(8, 16),)


def test_terminal_json_csv_page_and_explanation_say_one_density(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    page, table = tmp_path / "page.html", tmp_path / "layers.csv"
    found = json_object(capsys, "estimate", *MODEL, "--html", str(page), "--csv", str(table))
    assert {layer["name"]: (256 * layer["density"], layer["pattern"]) for layer in found["layers"]} == LEFT
    assert [layer["macs"] for layer in found["layers"]] == [8 * left for left, _ in LEFT.values()]
    assert [256 * float(row["density"]) for row in csv.DictReader(table.read_text().splitlines()[1:])] == [
        left for left, _ in LEFT.values()
    ]
    assert main(["estimate", *MODEL]) == 0
    told = capsys.readouterr().out
    (_, *rows, _), *_ = (each for each in Tables(page.read_text()).tables if "Density" in each[0])
    shown = {row[0]: number(row[3]) for row in rows}
    for layer in found["layers"]:
        density = percent(layer["density"])
        (line,) = (line for line in told.splitlines() if line.startswith(f"{layer['name']} "))
        assert density in line
        assert shown[layer["name"]] == number(density)
        assert main(["estimate", *MODEL, "--explain", layer["name"]]) == 0
        assert f"{layer['pattern']}, {density} of the int8 weights are not zero" in capsys.readouterr().out
    # Only the first stays dense: of the last, which has no pattern either, half can be skipped.
    share = percent(found["layers"][0]["cycles_dense"] / found["total"]["cycles_dense"])
    assert f"what stays dense takes {share} of the dense cycles" in re.sub(r"[ \n]+", " ", told)
    assert f"take {share} of the dense cycles" in page.read_text()
