"""`skipbeat schema`, and that every result says where it comes from."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import jschon
import pytest

import skipbeat
from skipbeat.cli import main
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.provenance import description_fingerprint
from skipbeat_reports.result import schema_name
from skipbeat_reports.schemas import RESULTS
from tests.skipbeat.command_line import complaint, json_object

pytestmark = pytest.mark.usefixtures("trained_before")

ESTIMATE = ("estimate", "zoo:digits-cnn", "--hw", "tiny-4x4", "--set", "memory.latency_clocks=9", "--prune", "2:4")


@pytest.mark.filterwarnings("ignore:Please use rfc3986:DeprecationWarning")
def test_the_kinds_and_a_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert capsys.readouterr().out.split() == list(RESULTS)
    assert main(["schema", "zoo"]) == 0
    jschon.create_catalog("2020-12")
    schema = jschon.JSONSchema(json.loads(capsys.readouterr().out))
    assert schema.validate().valid
    found = json_object(capsys, "zoo")
    assert schema.evaluate(jschon.JSON(found)).valid
    assert not schema.evaluate(jschon.JSON(found | {"schema": "skipbeat/zoo/0"})).valid
    assert not schema.evaluate(jschon.JSON(found | {"more": 1})).valid
    assert "expected one of" in complaint(capsys, "schema", "nothing")


@pytest.mark.parametrize("kind", RESULTS)
def test_every_kind_has_a_schema_with_all_its_keys(capsys: pytest.CaptureFixture[str], kind: str) -> None:
    assert main(["schema", kind]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert set(schema["required"]) == set(schema["properties"])
    assert schema["properties"]["schema"] == {"const": schema_name(kind)} == {"const": schema["$id"]}


def test_an_estimate_says_where_it_comes_from(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    page, trace, table = (str(tmp_path / name) for name in ("page.html", "trace.json", "layers.csv"))
    found = json_object(capsys, *ESTIMATE, "--html", page, "--trace", trace, "--csv", table)
    made = found["provenance"]
    hardware = load_hardware("tiny-4x4", ["memory.latency_clocks=9"])
    assert found["hardware"] == "tiny-4x4+memory.latency_clocks=9" == hardware.name
    assert made["version"] == skipbeat.__version__
    assert made["command"].startswith("skipbeat estimate zoo:digits-cnn --hw tiny-4x4 --set memory.latency_clocks=9")
    assert made["seed"] == 0
    assert made["hardware"] == {
        "fingerprint": description_fingerprint(hardware),
        "description": hardware.model_dump(mode="json"),
    }
    assert made["scheme"]["default"] == "2:4"
    assert made["source"]["name"] == "zoo:digits-cnn"
    assert json.loads(Path(trace).read_text())["otherData"]["provenance"] == made
    text = Path(page).read_text()
    assert all(part in text for part in (made["source"]["digest"], made["hardware"]["fingerprint"], hardware.name))
    comment, *lines = Path(table).read_text().splitlines()
    assert json.loads(comment.removeprefix("# ")) == made
    rows = list(csv.DictReader(lines))
    assert [row["name"] for row in rows] == [layer["name"] for layer in found["layers"]]
    assert [int(row["clocks.compute"]) for row in rows] == [layer["clocks"]["compute"] for layer in found["layers"]]


def test_what_was_not_run_is_null(capsys: pytest.CaptureFixture[str]) -> None:
    found = json_object(capsys, "simulate", "zoo:digits-cnn", "--hw", "tiny-4x4", "--no-cycle-model")
    assert found["agrees"] is found["bit_exact"] is found["model_cycles"] is found["rtl_cycles"] is None
    assert all(layer["model_cycles"] is layer["rtl_cycles"] is None for layer in found["layers"])
    assert found["timing_cycles"] > 0
    assert found["provenance"]["source"]["digest"]


def test_a_table_of_commands_that_list(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for command, column in (
        (("zoo",), "name"),
        (("hardware",), "hardware.array.rows"),
        (("hardware", "--presets"), "preset"),
    ):
        file = tmp_path / "table.csv"
        json_object(capsys, *command, "--csv", str(file))
        assert column in file.read_text().splitlines()[1].split(",")
