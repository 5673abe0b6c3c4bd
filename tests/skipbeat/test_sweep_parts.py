"""The parts of a study that need no search: its file, its constraints, its points, and what one costs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from skipbeat.sweeping.expressions import Constraint
from skipbeat.sweeping.points import Points
from skipbeat.sweeping.pricing import price
from skipbeat.sweeping.study_file import StudyFile, planned, read_study
from skipbeat.sweeping.workers import workers
from skipbeat_arch.errors import InputError
from skipbeat_mapper.estimate import estimate_model
from skipbeat_models.scheme import Scheme
from skipbeat_models.sources import load_source

MODEL = "tests.skipbeat.study_models:build"
STUDY = f"""
name: small
models: [{MODEL}]
schemes: [as it is, 2:4, 1:4]
hardware:
  base: [tiny-4x4]
  keys:
    array.rows: [4, 8]
    memory.bytes_per_clock: {{from: 2, to: 8, times: 2}}
  constraints: [array.rows * array.cols <= 16 or memory.bytes_per_clock > 2]
objectives: [clocks, seconds, energy, kept]
"""


def study(tmp_path: Path, text: str = STUDY) -> StudyFile:
    file = tmp_path / "study.yaml"
    file.write_text(text)
    return read_study(file)


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("array.rows * array.cols <= 16", True),
        ("array.rows + 1 == 5 and not array.cols > 4", True),
        ("2 < array.rows < 4 or name == 'x'", False),
        ("-array.rows // 3 == -2 and array.rows % 3 == 1 and array.rows / 8 == 0.5", True),
    ],
)
def test_constraints_are_arithmetic(text: str, true: bool) -> None:
    assert Constraint(text).holds({"array.rows": 4, "array.cols": 4, "name": "y"}) is true


@pytest.mark.parametrize(
    "text",
    [
        "",
        "array.rows <",
        "open('x')",
        "__import__('os').system('true')",
        "[1]",
        "rows ** 9",
        "(" * 200,
        "1 if 2 else 3",
        "a" * 501,
    ],
)
def test_what_is_no_constraint_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="expected a comparison"):
        Constraint(text)


def test_a_constraint_names_what_is_missing() -> None:
    with pytest.raises(InputError, match=r"there is no key array\.row"):
        Constraint("array.row < 3").holds({"array.rows": 4})
    with pytest.raises(InputError, match="not supported"):
        Constraint("name < 3").holds({"name": "x"})


def test_a_grid_has_every_choice_once(tmp_path: Path) -> None:
    found = study(tmp_path)
    choices = list(planned(found))
    assert len(choices) == found.size == 3 * 2 * 3
    assert len({str(choice) for choice in choices}) == len(choices)
    assert choices[0] == {
        "model": MODEL,
        "scheme": "as it is",
        "base": "tiny-4x4",
        "array.rows": 4,
        "memory.bytes_per_clock": 2,
    }
    assert [choice["memory.bytes_per_clock"] for choice in choices[:3]] == [2, 4, 8]


def test_random_choices_are_those_of_the_seed(tmp_path: Path) -> None:
    text = STUDY + "search: {method: random, trials: 7, seed: 3}\n"
    once, again = list(planned(study(tmp_path, text))), list(planned(study(tmp_path, text)))
    assert once == again
    assert len({str(choice) for choice in once}) == 7
    assert once != list(planned(study(tmp_path, text.replace("seed: 3", "seed: 4"))))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("objectives: [clocks", "objectives: [clicks", "clicks is none of"),
        ("[as it is, 2:4, 1:4]", "[2:4, 2:4]", "each once"),
        ("{from: 2, to: 8, times: 2}", "{from: 8, to: 2}", "no values"),
        ("{from: 2, to: 8, times: 2}", "{from: 2, to: 8, times: 2, step: 1}", "not both"),
        ("{from: 2, to: 8, times: 2}", "{from: 1, to: 1000000000}", "more than"),
        ("name: small", "name: small\nsearch: {method: best}", "method"),
        ("energy, kept]", "energy, accuracy]", "accuracy needs"),
        (f"[{MODEL}]", "[zoo:digits-cnn, zoo:resnet-18]\nsearch: {method: nsga2}", "expects one model"),
    ],
)
def test_a_wrong_study_is_told(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as told:
        study(tmp_path, STUDY.replace(old, new))
    assert "study.yaml" in str(told.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("array.rows: [4", "array.row: [4", r"no key array\.row"),
        ("[as it is, 2:4, 1:4]", "[5:4]", "5:4"),
        ("name: small", "name: small\nlayers: {fc: [2:4]}", "layers: expected with schemes"),
        ("array.rows * array.cols <= 16", "system('x')", "expected a comparison"),
    ],
)
def test_what_a_study_cannot_have_is_told_before_any_work(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Points(study(tmp_path, STUDY.replace(old, new)))


def test_areas_are_measured_or_of_the_fitted_model(tmp_path: Path) -> None:
    wanted = study(tmp_path, STUDY.replace("energy, kept]", "lut, dsp, bram]"))
    for rows, source in ((4, "measured"), (8, "fitted")):
        choice: dict[str, bool | int | float | str] = {"base": "tiny-4x4", "model": MODEL, "array.rows": rows}
        choice |= {"memory.bytes_per_clock": 4 if source == "measured" else 8, "scheme": "2:4"}
        found = price(replace(Points(wanted).point(choice), objectives=("dsp", "bram", "lut")))
        assert found.facts["area_source"] == source
        assert found.values == (found.facts["dsp"], found.facts["bram"], found.facts["lut"])
        assert found.facts["dsp"] == pytest.approx(4 * rows + 12, rel=0.05)


def test_an_effort_is_a_key_of_a_study(tmp_path: Path) -> None:
    choice: dict[str, bool | int | float | str] = {"base": "tiny-4x4", "model": MODEL, "array.rows": 4}
    choice |= {"memory.bytes_per_clock": 4, "scheme": "2:4"}
    normal, quick = (
        Points(study(tmp_path, STUDY + text)).point(choice) for text in ("effort: normal\n", "effort: quick\n")
    )
    assert normal.key != quick.key
    assert price(quick).facts["effort"] == "quick"
    assert price(quick).values[0] >= price(normal).values[0]


def test_a_point_costs_what_an_estimate_says(tmp_path: Path) -> None:
    found = study(tmp_path)
    points, choices = Points(found), list(planned(found))
    point = points.point(choices[6])
    assert point.key == points.point(dict(choices[6])).key != points.point(choices[7]).key
    priced = price(point)
    expected = estimate_model(load_source(MODEL, scheme=Scheme.parse("2:4")), point.hardware)
    assert priced.refused is None
    assert list(priced.values[:3]) == pytest.approx([expected.cycles, expected.cycles / 200e6, expected.energy_uj])
    assert 0.5 < priced.values[3] < 1
    assert [row["name"] for row in priced.layers] == [layer.name for layer in expected.layers]
    assert priced.provenance is not None
    assert priced.provenance["source"]["name"] == MODEL
    with pytest.raises(InputError, match="constraint"):
        points.point({**choices[0], "array.rows": 8})


def test_patterns_of_layers_and_accuracy_of_the_user(tmp_path: Path) -> None:
    file = tmp_path / "accuracy.yaml"
    file.write_text(f"{MODEL}:\n  2:4, 1 exception(s): 0.75\n")
    text = STUDY.replace("schemes: [as it is, 2:4, 1:4]", f"schemes: [2:4]\nlayers: {{'3': [1:4]}}\naccuracy: {file}")
    found = study(tmp_path, text.replace("energy, kept", "energy, accuracy"))
    point = Points(found).point(next(planned(found)))
    assert point.scheme is not None
    assert point.scheme.to_json() == {"default": "2:4", "layers": {"3": "1:4"}, "method": "magnitude", "permute": False}
    priced = price(point)
    assert priced.values[3] == 0.75
    assert {row["name"]: row["pattern"] for row in priced.layers}["3"] == "1:4"
    file.write_text(f"{MODEL}: {{}}\n")
    assert "expected a number" in str(price(point).refused)


def test_what_cannot_be_priced_is_refused_by_name(tmp_path: Path) -> None:
    found = study(tmp_path, STUDY.replace(MODEL, "no_such_module:build").replace(", kept", ""))
    with workers(1, None) as those:
        those.give(Points(found).point(next(planned(found))))
        assert "no_such_module" in str(those.take().refused)
