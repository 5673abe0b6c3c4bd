"""`skipbeat zoo`: every model with its size, without importing torch."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from skipbeat.cli import main
from skipbeat_models import zoo


def test_every_model_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["zoo"]) == 0
    title, *lines = capsys.readouterr().out.splitlines()
    assert title.split() == ["model", "description", "input", "parameters", "MACs"]
    assert [line.split()[0] for line in lines] == zoo.names()
    resnet = next(line.split() for line in lines if line.startswith("zoo:resnet-50"))
    assert resnet[-3:] == ["3x224x224", "25,557,032", "4,089,184,256"]


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["zoo", "--json"]) == 0
    models = {model["name"]: model for model in json.loads(capsys.readouterr().out)["models"]}
    assert list(models) == zoo.names()
    assert models["zoo:bert-base"]["input"] == "128 tokens"
    assert models["zoo:bert-base"]["shapes_only"] is True
    assert {name for name, model in models.items() if model["trained"]} == {"zoo:digits-cnn", "zoo:tiny-resnet"}


def test_it_needs_no_torch() -> None:
    code = "import sys; from skipbeat.cli import main; main(['zoo']); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
