"""A few damaged inputs for every reader: `make fuzz` tries as many as there is time for."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fuzz.campaign import Tally, drawn, table
from tests.fuzz.readers import KINDS
from tests.fuzz.trial import Outcome, Trial, attempt

#: Readers that need a library which takes seconds to import.
_SLOW = ("configuration",)


@pytest.mark.parametrize("kind", [pytest.param(k, marks=pytest.mark.slow) if k in _SLOW else k for k in KINDS])
@settings(
    max_examples=6,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(random=st.randoms(use_true_random=True))
def test_damage_is_told_in_one_line(kind: str, random: Random) -> None:
    with tempfile.TemporaryDirectory() as folder:
        trial = KINDS[kind](random)
        outcome = attempt(trial, Path(folder))
    assert outcome.violation is None, (trial.words, outcome)


def test_what_is_wrong_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The judge of the campaign, on commands that do each of these things."""

    def of(status: int, said: str, left: str = "") -> str | None:
        def command(_words: object) -> int:
            print(said, end="", file=sys.stderr)
            if left:
                Path(left).touch()
            return status

        monkeypatch.setattr("tests.fuzz.trial.main", command)
        return attempt(Trial(words=("x",)), tmp_path).violation

    right = "skipbeat: error: x: expected y\n"
    assert of(2, right) is None
    assert of(0, "") is None
    assert of(70, right) == "status 70"
    assert "2 lines" in str(of(2, right * 2))
    assert "0 lines" in str(of(2, ""))
    assert "not ours" in str(of(2, f"a warning\n{right}"))
    assert "control" in str(of(2, "skipbeat: error: \x1b[2J\n"))
    assert "characters" in str(of(2, f"skipbeat: error: {'x' * 700}\n"))
    assert of(2, right, left="rest") == "left ['rest'] behind"
    assert of(2, right) is None


def test_an_exception_or_a_hang_is_a_violation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(_words: object) -> int:
        raise SystemError("x")

    def hangs(_words: object) -> int:
        time.sleep(10)
        return 0

    monkeypatch.setattr("tests.fuzz.trial.main", raises)
    assert attempt(Trial(words=("x",)), tmp_path).violation == "SystemError: x"
    monkeypatch.setattr("tests.fuzz.trial.MOST_SECONDS", 0.05)
    monkeypatch.setattr("tests.fuzz.trial.main", hangs)
    assert "seconds" in str(attempt(Trial(words=("x",)), tmp_path).violation)


def test_an_input_is_drawn_again_by_its_number_and_counted() -> None:
    assert drawn("scheme", 1, 2) == drawn("scheme", 1, 2) != drawn("scheme", 1, 3)
    tally = Tally()
    for status, violation in ((2, None), (0, None), (None, "SystemError: x")):
        tally.add(Outcome(status=status, said="", seconds=1.5, violation=violation), "here")
    assert table({"scheme": tally})[-1] == "| **all** | 3 | 1 | 1 | 1 | 1.5 s |"
    assert tally.violations == ["here: SystemError: x"]
