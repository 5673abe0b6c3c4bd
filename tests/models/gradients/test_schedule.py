"""Schedules of patterns."""

from __future__ import annotations

from pathlib import Path

import pytest

from skipbeat_arch.errors import InputError
from skipbeat_arch.training_model import Training
from skipbeat_models.gradients.schedule import one_step, read_schedule


def written(folder: Path, text: str) -> Path:
    file = folder / "schedule.yaml"
    file.write_text(text)
    return file


def test_what_is_left_out_is_dense(tmp_path: Path) -> None:
    text = "steps:\n  - {share: 0.25}\n  - {share: 0.75, forward: '2:8', backward: '2:8', update: '1:2'}\n"
    warm, rest = read_schedule(written(tmp_path, text))
    assert (warm.share, str(warm.patterns.forward), str(warm.patterns.update)) == (0.25, "dense", "dense")
    assert (str(rest.patterns.backward), str(rest.patterns.update)) == ("2:8", "1:2")
    assert (warm.limit(Training.BACKPROPAGATION), rest.limit(Training.BACKPROPAGATION)) == (1, 3)


@pytest.mark.parametrize(("update", "limit"), [("dense", 2.0), ("1:2", 3.0), ("1:4", 4.0)])
def test_limits_of_two_of_eight(update: str, limit: float) -> None:
    (step,) = one_step("2:8", "2:8", update)
    assert step.limit(Training.BACKPROPAGATION) == limit
    assert step.limit(Training.FORWARD_ONLY) == 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("steps:\n  - {share: 0.5}\n", "shares that add up to 1, not 0.5"),
        ("steps: []\n", "steps"),
        ("steps:\n  - {share: 1.0, forwards: '2:8'}\n", "forwards"),
        ("steps:\n  - {share: 1.0, update: '2:8'}\n", "expected dense or 1:Q"),
        ("steps:\n  - {share: 1.0, forward: '9:8'}\n", "N must be in 1..8"),
        ("- 1\n", "expected a mapping"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_schedule(written(tmp_path, text))
