"""`skipbeat compare`: differences add up, say what they come from, and are the same everywhere."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skipbeat.cli import main
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.provenance import Provenance
from skipbeat_reports.estimate import to_json
from tests.reports.estimate.estimates import HOSTILE, hostile_estimate, make_estimate, make_layer, small_layers
from tests.skipbeat.command_line import complaint, json_object

#: The clocks of a reason's causes; bytes have no sign.
CLOCKS = re.compile(r"[+−][\d,]+")
TRAIN = (
    *("train-estimate", "tests.skipbeat.training_models:small", "--hw", "tiny-4x4"),
    *("--batch", "4", "--forward", "2:4", "--backward", "2:4"),
)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A network, and the same with a layer pruned further, one that is new, and other hardware."""
    layers = list(small_layers())
    layers[1] = make_layer(
        layers[1].name, shape=layers[1].shape, pattern="1:4", weights=36_864, pixels=3136, density=0.25
    )
    layers[-1] = make_layer("new")
    found = []
    for name, each, overrides in (("old", small_layers(), ()), ("new", tuple(layers), ("clock_mhz=100",))):
        made = Provenance(version="1", hardware=load_hardware("tiny-4x4", overrides)).to_json()
        file = tmp_path / f"{name}.json"
        file.write_text(json.dumps(to_json(make_estimate(each)) | {"provenance": made}))
        found.append(file)
    return found[0], found[1]


def compared(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    return json_object(capsys, "compare", *map(str, arguments))


def test_differences_add_up_and_name_their_causes(capsys: pytest.CaptureFixture[str], files: tuple[Path, Path]) -> None:
    found = compared(capsys, *files)
    old, new = (json.loads(file.read_text()) for file in files)
    rows = {row["layer"]: row for row in found["layers"]}
    assert sum(row["difference"] for row in rows.values()) == new["total"]["cycles"] - old["total"]["cycles"]
    assert all(sum(row["causes"].values()) == row["difference"] for row in rows.values())
    changed = rows["layer1.0.conv1"]
    assert changed["difference"] < 0
    assert changed["quicker"] > 1
    assert "compute" in changed["why"]
    assert "pattern 2:4 → 1:4" in changed["why"]
    assert (rows["new"]["cycles_first"], rows["new"]["why"]) == (None, "not in the first result")
    assert (rows[small_layers()[-1].name]["cycles"], rows[small_layers()[-1].name]["why"]) == (
        None,
        "not in this result",
    )
    assert found["results"][1]["settings"] == [
        {"what": "hardware.name", "first": "tiny-4x4", "here": "tiny-4x4+clock_mhz=100"},
        {"what": "hardware.clock_mhz", "first": "200.0", "here": "100.0"},
    ]


def test_the_clocks_that_are_told_add_up_to_the_difference(
    capsys: pytest.CaptureFixture[str], files: tuple[Path, Path]
) -> None:
    told = [row for row in compared(capsys, *files)["layers"] if row["difference"] and row["why"][0] in "+−"]
    assert any("others" in row["why"] for row in told)
    for row in told:
        assert (
            sum(int(number.replace("−", "-").replace(",", "")) for number in CLOCKS.findall(row["why"]))
            == (row["difference"])
        )


def test_terminal_table_and_page_say_the_same(
    capsys: pytest.CaptureFixture[str], files: tuple[Path, Path], tmp_path: Path
) -> None:
    page, table = tmp_path / "page.html", tmp_path / "table.csv"
    assert main(["compare", *map(str, files), "--html", str(page), "--csv", str(table)]) == 0
    told, shown = capsys.readouterr().out, page.read_text()
    rows = list(csv.DictReader(table.read_text().splitlines()[1:]))
    for row in rows:
        clocks = f"{int(row['difference']):+,}".replace("-", "−")
        assert clocks == "+0" or (clocks in told and clocks in shown)
        assert row["why"] in told.replace("\xa0", "\xa0") or clocks == "+0"
    assert "hardware.clock_mhz: 200.0 → 100.0" in told


def test_training_steps_by_pass_and_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    files, totals = [tmp_path / "dense.json", tmp_path / "half.json"], []
    for file, update in zip(files, ("dense", "1:2"), strict=True):
        found = json_object(capsys, *TRAIN, "--update", update)
        file.write_text(json.dumps(found))
        totals.append(found["total"]["in_turn"]["cycles"])
    found = compared(capsys, *files)
    assert [each["cycles"] for each in found["results"]] == totals
    rows = {row["layer"]: row for row in found["layers"]}
    assert rows["3, update"]["difference"] < 0
    assert rows["3, update"]["why"].endswith("pattern dense → 1:2")
    assert rows["3, forward"]["difference"] == rows["host: loss, forward"]["difference"] == 0
    assert rows["host: gradients packed 1:2, backward"]["why"] == "not in the first result"
    assert sum(row["difference"] for row in rows.values()) == totals[1] - totals[0]
    assert {each["what"] for each in found["results"][1]["settings"]} == {"steps"}
    page = tmp_path / "page.html"
    assert main(["compare", *map(str, files), "--html", str(page)]) == 0
    assert "3, update" in page.read_text()


def test_results_of_two_kinds_are_refused(
    capsys: pytest.CaptureFixture[str], files: tuple[Path, Path], tmp_path: Path
) -> None:
    step = tmp_path / "step.json"
    step.write_text(json.dumps(json_object(capsys, *TRAIN)))
    assert "results of one kind, not estimates" in complaint(capsys, "compare", str(files[0]), str(step))


def test_equal_results_differ_in_nothing(capsys: pytest.CaptureFixture[str], files: tuple[Path, Path]) -> None:
    found = compared(capsys, files[0], files[0], files[0])
    assert [each["quicker"] for each in found["results"]] == [1, 1, 1]
    assert {row["difference"] for row in found["layers"]} == {0}
    assert len({each["label"] for each in found["results"]}) == 3


def test_names_from_outside_do_nothing(tmp_path: Path) -> None:
    file, page = tmp_path / "hostile.json", tmp_path / "page.html"
    file.write_text(json.dumps(to_json(hostile_estimate())))
    assert main(["compare", str(file), str(file), "--html", str(page)]) == 0
    assert HOSTILE not in page.read_text()


def test_what_is_no_result_is_refused(
    capsys: pytest.CaptureFixture[str], files: tuple[Path, Path], tmp_path: Path
) -> None:
    other = tmp_path / "other.json"
    other.write_text('{"schema": "skipbeat/zoo/1"}')
    assert "two results or more" in complaint(capsys, "compare", str(other))
    assert "expected what" in complaint(capsys, "compare", str(files[0]), str(other))
    other.write_text('{"schema": "skipbeat/estimate/1", "model": 4}')
    assert "hostile" not in complaint(capsys, "compare", str(files[0]), str(other))
    for encoding in ("latin-1", "utf-16"):
        other.write_text('{"schema": "é"}', encoding=encoding)
        said = complaint(capsys, "compare", str(files[0]), str(other))
        assert said == f"result {other}: cannot be read: not a text file in UTF-8"
    other.write_text("[")
    assert "JSON" in complaint(capsys, "compare", str(files[0]), str(other))


#: What is changed of a result of `estimate` that no run can have found, and what is said of it.
IMPOSSIBLE: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "negative clocks": (
        lambda found: found["layers"][1].update(cycles=-5),
        "layers.1.cycles: expected a number from 0 to 1e+24, not -5",
    ),
    "a negative cause": (
        lambda found: found["layers"][0]["clocks"].update(compute=-1),
        "layers.0.clocks.compute: expected a number from 0 to 1e+24, not -1",
    ),
    "causes": (
        lambda found: found["layers"][0]["clocks"].update(compute=1),
        "layers.0.cycles: expected the sum of its clocks by cause, ",
    ),
    "total": (lambda found: found["total"].update(cycles=7), "total.cycles: expected the sum of the layers, "),
    "energy": (lambda found: found["total"].update(energy_uj=7.5), "total.energy_uj: expected the sum of the layers, "),
    "bytes": (lambda found: found["total"].update(dram_bytes=7), "total.dram_bytes: expected the sum of the layers, "),
    "no clock": (lambda found: found.update(clock_mhz=0.0), "clock_mhz: expected more than 0"),
    "not a number": (
        lambda found: found["layers"][0].update(energy_pj=float("nan")),
        "layers.0.energy_pj: expected a number from 0 to 1e+24, not nan",
    ),
    "infinite": (
        lambda found: found["total"].update(energy_uj=float("inf")),
        "total.energy_uj: expected a number from 0 to 1e+24, not inf",
    ),
    "a number of many digits": (
        lambda found: found["total"].update(cycles=10**400),
        "total.cycles: expected a number from 0 to 1e+24, not 1000",
    ),
    "a name twice": (
        lambda found: found["layers"][1].update(name=found["layers"][0]["name"]),
        "layers: expected each name once, not 2 times ",
    ),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_what_no_run_can_have_found_is_refused(
    capsys: pytest.CaptureFixture[str], files: tuple[Path, Path], case: str
) -> None:
    change, expected = IMPOSSIBLE[case]
    found = json.loads(files[1].read_text())
    change(found)
    files[1].write_text(json.dumps(found))
    said = complaint(capsys, "compare", *map(str, files))
    assert said.startswith(f"result {files[1]}: no run can have found it: {expected}")


def test_a_training_step_that_does_not_add_up_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "step.json"
    found = json_object(capsys, *TRAIN)
    found["steps"][0]["layers"][0]["roles"][0]["cycles"] += 1
    file.write_text(json.dumps(found))
    assert "steps.0.layers.0.cycles: expected the sum of its roles" in complaint(
        capsys, "compare", str(file), str(file)
    )
    found["steps"][0]["layers"][0]["cycles"] += 1
    file.write_text(json.dumps(found))
    assert "total.in_turn.cycles: expected the sum of the steps" in complaint(capsys, "compare", str(file), str(file))
