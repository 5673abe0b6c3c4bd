"""Progress: lines where there is no terminal, a bar where there is one."""

from __future__ import annotations

import sys

import pytest

from skipbeat import progress
from skipbeat.progress import track, working
from skipbeat_arch.progress import through


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time in seconds, which a test moves on."""
    now = [0.0]
    monkeypatch.setattr(progress, "monotonic", lambda: now[0])
    return now


def test_work_that_takes_long_says_its_layer_and_what_is_left(
    capsys: pytest.CaptureFixture[str], clock: list[float]
) -> None:
    with working("pricing"):
        for _ in through(["conv1", "conv2", "conv3", "fc"], str):
            clock[0] += 4
    assert capsys.readouterr().err == "skipbeat: pricing conv3: 50% (8 s left)\n"


def test_short_work_says_nothing(capsys: pytest.CaptureFixture[str], clock: list[float]) -> None:
    with working("pricing"):
        assert list(through("ab", str)) == ["a", "b"]
    assert capsys.readouterr().err == ""


def test_items_are_told_with_the_work_behind_them(capsys: pytest.CaptureFixture[str], clock: list[float]) -> None:
    def points() -> list[str]:
        found = []
        for layer in through(["conv1", "fc"], str):
            clock[0] += 60
            found.append(layer)
        return found

    for _ in track((len(points()) for _ in range(2)), 2, "study", str):
        pass
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "skipbeat: study: 2 to do",
        "skipbeat: study fc: 50% (1 min left)",
        "skipbeat: 1/2 (2 min left) 2",
        "skipbeat: study fc: 50% (1 min left)",
        "skipbeat: 2/2 2",
    ]


def test_a_terminal_gets_a_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with working("pricing"):
        assert list(through(["conv1"], str)) == ["conv1"]
    assert list(track(iter("ab"), 2, "study", str)) == ["a", "b"]
    said = capsys.readouterr().err
    assert "pricing conv1" in said
    assert "study" in said
