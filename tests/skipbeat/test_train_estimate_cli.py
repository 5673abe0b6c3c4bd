"""`skipbeat train-estimate`: what it prints, writes and refuses."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from skipbeat import train_estimate, training_estimation
from skipbeat.cli import main
from skipbeat.options import TRAINING_HARDWARE
from skipbeat_arch.hardware import preset_names
from tests.skipbeat.command_line import complaint, json_object
from tests.skipbeat.training_models import small

SMALL = ("train-estimate", "tests.skipbeat.training_models:small", "--hw", "tiny-4x4", "--batch", "4")


def test_the_default_hardware_is_a_preset() -> None:
    assert TRAINING_HARDWARE in preset_names()


def test_json_has_every_layer_by_role_and_the_totals(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    page, table = tmp_path / "page.html", tmp_path / "layers.csv"
    options = ("--forward", "2:4", "--backward", "2:4", "--update", "1:2", "--html", str(page), "--csv", str(table))
    found = json_object(capsys, *SMALL, *options)
    (step,) = found["steps"]
    roles = {layer["name"]: [cost["role"] for cost in layer["roles"]] for layer in step["layers"]}
    assert roles == {"0": ["forward", "update"], "3": ["forward", "backward", "update"], "5": roles["3"]}
    assert step["layers"][0]["note"] == "nobody needs the gradient of its input"
    total = found["total"]
    assert total["array"]["cycles"] == sum(layer["cycles"] for layer in step["layers"])
    assert total["array"]["cycles"] <= total["overlapped"]["cycles"] <= total["in_turn"]["cycles"]
    assert total["speedup_limit"] == 2
    assert found["published"]["speedup"] == 1.75
    assert "abstract" in found["published"]["source"]
    assert "aten.batch_norm, backward" in {line["what"] for line in step["traffic"]}
    assert "nobody needs the gradient of its input" in page.read_text()
    assert table.read_text().count("\n") > 8


def test_a_module_in_memory_costs_what_the_command_says(capsys: pytest.CaptureFixture[str]) -> None:
    options = "--forward", "2:4", "--backward", "2:4", "--update", "1:2"
    said = json_object(capsys, *SMALL, *options)["total"]
    found = train_estimate(*small(), "tiny-4x4", batch=4, forward="2:4", backward="2:4", update="1:2")
    assert said["array"] == {
        "cycles": found.array.cycles,
        "cycles_dense": found.array.dense,
        "speedup": found.array.speedup,
    }
    assert said["in_turn"]["cycles"] == found.in_turn.cycles


def test_the_example_in_its_documentation() -> None:
    assert doctest.testmod(training_estimation).failed == 0


def test_the_terminal_shows_a_schedule(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "schedule.yaml"
    file.write_text("steps:\n  - {share: 0.5}\n  - {share: 0.5, forward: '2:4', backward: '2:4'}\n")
    assert main([*SMALL, "--schedule", str(file)]) == 0
    out = capsys.readouterr().out
    assert "50.0\u00a0% of the steps: forward dense, backward dense, update dense" in out
    assert "published: 1.75×, SAT" in out
    assert "mean step" in out
    message = complaint(capsys, *SMALL, "--schedule", str(file), "--update", "1:2")
    assert "expected without --forward" in message


def test_forward_only_has_no_gradients(capsys: pytest.CaptureFixture[str]) -> None:
    found = json_object(capsys, *SMALL, "--forward", "2:4", "--forward-only")
    assert found["training"] == "forward-only"
    assert {cost["role"] for cost in found["steps"][0]["roles"]} == {"forward", "optimiser", "host"}
    assert found["total"]["speedup_limit"] == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--update", "2:8"), "update 2:8: expected dense or 1:Q"),
        (("--forward", "9:8"), "pattern 9:8: N must be in 1..8"),
        (("--backward", "some"), "pattern 'some': expected dense, N:M"),
        (("--schedule", "nowhere.yaml"), "schedule nowhere.yaml"),
        (("--tokens", "8"), "tokens belongs to a zoo model"),
    ],
)
def test_bad_options_are_one_line(capsys: pytest.CaptureFixture[str], options: tuple[str, ...], said: str) -> None:
    assert said in complaint(capsys, *SMALL, *options)


def test_an_operator_without_a_backward_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    said = complaint(capsys, "train-estimate", "tests.skipbeat.training_models:odd", "--hw", "tiny-4x4")
    assert said.startswith("operator aten.cumsum (1): it has no backward here")


@pytest.mark.slow
@pytest.mark.parametrize(("update", "least"), [("dense", 1.93), ("1:2", 2.8)])
def test_resnet_9_comes_close_to_its_limit(capsys: pytest.CaptureFixture[str], update: str, least: float) -> None:
    total = json_object(capsys, "train-estimate", "zoo:resnet-9", "--update", update)["total"]
    assert least <= total["overlapped"]["speedup"] <= total["speedup_limit"]
