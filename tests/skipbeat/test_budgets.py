"""Sizes in files and options do not become hours and gigabytes: commands say what it would take, and stop."""

from __future__ import annotations

import click
import pytest
import torch
from torch import nn

import skipbeat
from skipbeat.cli import cli
from skipbeat_arch.budget import MOST_PASSES, limited
from tests.skipbeat.command_line import complaint


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("cosim --gemm 100000,100000,100000", "GEMM 100,000 x 100,000 x 100,000: its program has 957,337,500 passes"),
        ("cosim --gemm 100000000,1,1", "GEMM 100,000,000 x 1 x 1: it needs 4.5 GiB of memory"),
        ("cosim --gemm 784,1152,128 --limit 143", "GEMM 784 x 1,152 x 128: its program has 144 passes of the array"),
    ],
)
def test_it_is_said_before_the_work(
    words: str, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skipbeat_arch.budget.machine_memory", lambda: 1 << 30)
    assert complaint(capsys, *words.split()).startswith(said)


@pytest.mark.parametrize(("kernel", "batch"), [(3, 8), (10_000, 1)], ids=["pictures", "kernel"])
def test_a_convolution_of_ten_thousand_per_side(kernel: int, batch: int) -> None:
    with torch.device("meta"):
        model, images = nn.Conv2d(1, 1, kernel, bias=False), torch.zeros(batch, 1, 10_000, 10_000)
    with pytest.raises(skipbeat.InputError, match=r"^layer .*: its program has [\d,]+ passes of the array"):
        skipbeat.estimate(model, images)


def test_compiling_asks_too() -> None:
    with limited(3), pytest.raises(skipbeat.InputError, match=r"^layer 0: its program has 4 passes .*limit of 3 "):
        skipbeat.compile(nn.Sequential(nn.Conv2d(64, 64, 1)), torch.zeros(1, 64, 1, 1))


def test_the_help_names_the_default() -> None:
    command = cli.get_command(click.Context(cli), "cosim")
    assert command is not None
    (limit,) = (option for option in command.params if option.name == "limit")
    assert isinstance(limit, click.Option)
    assert f"[default: {MOST_PASSES}]" in (limit.help or "")
