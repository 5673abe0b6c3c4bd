"""`--effort`: the report says which was used, and estimate and simulation of one effort have the same clocks."""

from __future__ import annotations

import json

import pytest
import torch
from torch import nn

import skipbeat
from skipbeat.cli import main
from skipbeat_arch.effort import Effort
from skipbeat_arch.errors import InputError


@pytest.mark.parametrize("effort", Effort)
def test_one_effort_has_one_answer(effort: Effort) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3)).eval()
    image = torch.randn(1, 8, 8, 8)
    found = skipbeat.estimate(model, image, "tiny-4x4", effort=effort)
    run = skipbeat.simulate(model, image, "tiny-4x4", cycle_model=False, effort=effort)
    assert (found.effort, found.cycles) == (effort, run.timing.cycles)


def test_the_report_says_which_effort_was_used(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["estimate", "zoo:llama-tiny", "--hw", "tiny-4x4", "--json"]
    assert main([*command, "--effort", "quick"]) == 0
    quick = json.loads(capsys.readouterr().out)
    assert quick["effort"] == "quick"
    assert any("--effort quick" in assumption for assumption in quick["assumptions"])
    assert main(command) == 0
    usual = json.loads(capsys.readouterr().out)
    assert usual["effort"] == "normal"
    assert not any("--effort" in assumption for assumption in usual["assumptions"])


def test_an_unknown_effort_is_named() -> None:
    with pytest.raises(InputError, match="effort 'much': expected quick, normal, best"):
        skipbeat.estimate(nn.Linear(4, 4), torch.zeros(1, 4), effort="much")
