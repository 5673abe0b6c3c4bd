"""`skipbeat regress` as a user calls it, on the smallest hardware."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from skipbeat.cli import main
from skipbeat_arch.errors import InputError
from skipbeat_verify import regression
from skipbeat_verify.regression import Outcome
from skipbeat_verify.regression_cases import RegressionCase
from tests.skipbeat.command_line import TINY, json_object

SIMULATORS = [
    "verilator",
    pytest.param("icarus", marks=pytest.mark.skipif(not shutil.which("iverilog"), reason="iverilog is not installed")),
]
#: The command, with fewer cases in a simulation.
_ONE_AT_A_TIME = """
import sys
from skipbeat.process import run
from skipbeat_verify import regression

regression.TOGETHER = 1
sys.exit(run())
"""
#: Cases 0 and 1 of this seed begin with a contradictory stream.
SEED = "0"


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_cases_pass(simulator: str, capsys: pytest.CaptureFixture[str]) -> None:
    report = json_object(
        capsys, "regress", "--cases", "3", "--seed", SEED, "--jobs", "1", "--simulator", simulator, *TINY
    )
    assert (report["cases"], report["passed"], report["failed"]) == (3, 3, [])
    assert (report["seed"], report["simulator"]) == (0, simulator)
    assert report["rtl_cycles"] > 0


def test_jobs_change_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    def lines(jobs: str) -> tuple[str, str]:
        assert main(["regress", "--cases", "3", "--seed", SEED, "--jobs", jobs, *TINY]) == 0
        out, err = capsys.readouterr()
        return out, re.sub(r" \(\d+ (s|min) left\)", "", err)  # how long the rest takes is not how it ends

    assert lines("1") == lines("2")


def test_progress_tells_the_seed_and_every_case(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["regress", "--case", "1", "--seed", SEED, *TINY]) == 0
    out, err = capsys.readouterr()
    assert err.splitlines()[0] == "skipbeat: regress, seed 0: 1 to do"
    assert err.splitlines()[1].startswith("skipbeat: 1/1 case 1 passed: tiny-4x4+array.rows=2+array.cols=2+")
    assert "after falling coordinates" in err
    assert out.startswith("seed 0, verilator: 1 of 1 cases passed, ")


def failing(bad: int) -> object:
    def run_batch(seed: int, batch: list[int], *_: object) -> list[Outcome]:
        return [
            Outcome(index=index, case=f"{seed}/{index}", clocks=10, failure="wrong" if index == bad else None)
            for index in batch
        ]

    return run_batch


def test_a_failure_is_status_1_with_the_command_that_repeats_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regression, "run_batch", failing(2))
    report = json_object(capsys, "regress", "--cases", "4", "--seed", "9", "--jobs", "1", *TINY, status=1)
    assert (report["cases"], report["passed"]) == (4, 3)
    (failed,) = report["failed"]
    assert (failed["case"], failed["failure"]) == (2, "wrong")
    words = shlex.split(failed["repeat"])
    assert words[:2] == ["skipbeat", "regress"]
    again = json_object(capsys, *words[1:], status=1)
    assert (again["cases"], again["failed"]) == (1, [failed])


def test_a_failure_is_shown_to_people(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regression, "run_batch", failing(0))
    assert main(["regress", "--cases", "2", "--seed", "9", "--jobs", "1", "--simulator", "icarus"]) == 1
    out, err = capsys.readouterr()
    assert "FAILED case 0: 9/0\n  wrong\n  repeat: skipbeat regress --case 0 --seed 9 --simulator icarus\n" in out
    assert out.endswith("seed 9, icarus: 1 of 2 cases passed, 20 clocks on the RTL\n")
    assert "1/2 case 0 FAILED: 9/0" in err


def test_a_defect_in_a_case_is_its_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def defective(cases: Sequence[RegressionCase], _simulator: str) -> list[tuple[int, str | None]]:
        if any(case.index == 1 for case in cases):
            raise ZeroDivisionError("a defect of ours")
        return [(5, None)] * len(cases)

    monkeypatch.setattr(regression, "_run", defective)
    found = regression.run_batch(0, [0, 1], "verilator")
    assert [outcome.failure for outcome in found] == [None, "ZeroDivisionError: a defect of ours"]
    assert [outcome.before for outcome in found] == [(), ()]


def test_a_simulation_that_fails_as_a_whole_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def crowded(cases: Sequence[RegressionCase], _simulator: str) -> list[tuple[int, str | None]]:
        if len(cases) > 1:
            raise RuntimeError("it ended without results")
        return [(5, None)]

    monkeypatch.setattr(regression, "_run", crowded)
    *others, last = regression.run_batch(0, [0, 1, 4], "verilator")
    assert all(outcome.failure is None for outcome in others)
    assert (last.index, last.failure, last.before) == (4, "RuntimeError: it ended without results", (0, 1))


def test_a_case_that_fails_after_others_alone_is_repeated_with_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def needy(cases: Sequence[RegressionCase], _simulator: str) -> list[tuple[int, str | None]]:
        return [(5, "left over" if case.index == 2 and len(cases) == 3 else None) for case in cases]

    monkeypatch.setattr(regression, "_run", needy)
    report = json_object(capsys, "regress", "--cases", "3", "--seed", "9", "--jobs", "1", *TINY, status=1)
    (failed,) = report["failed"]
    assert (failed["case"], failed["failure"]) == (2, "left over")
    assert "--case 0 --case 1 --case 2" in failed["repeat"]
    again = json_object(capsys, *shlex.split(failed["repeat"])[1:], status=1)
    assert again["failed"] == [failed]


def test_a_missing_tool_is_no_failure_of_a_case(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise InputError("c++: not found on PATH")

    monkeypatch.setattr(regression, "_run", missing)
    with pytest.raises(InputError, match=r"c\+\+: not found"):
        regression.run_batch(0, [0, 1], "verilator")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_interruption_says_how_many_passed(jobs: str, number: signal.Signals, tmp_path: Path) -> None:
    """And leaves no file of workers and simulators."""
    words = ["regress", "--cases", "12", "--jobs", jobs, "--seed", SEED, *TINY]
    command = [sys.executable, "-c", _ONE_AT_A_TIME, *words]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        assert process.stderr is not None
        said = ""
        while "1/12" not in said:
            line = process.stderr.readline()
            assert line, f"it ended: {said}"
            said += line
        if number == signal.SIGTERM:
            process.send_signal(number)  # to it alone, as a scheduler does
        else:
            os.killpg(process.pid, number)  # as a terminal does: to all of its processes
        said += process.stderr.read()
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + number, said
    assert out == ""
    assert list(tmp_path.iterdir()) == []
    first, *lines, last = [line for line in said.splitlines() if line]
    assert first == "skipbeat: regress, seed 0: 12 to do"
    assert all(" passed: " in line for line in lines), said
    told = re.fullmatch(r"interrupted: (\d+) passed, 0 failed of 12|skipbeat: interrupted", last)
    assert told is not None, said
    if told[1] is not None:  # it came to its own end in time
        assert len(lines) <= int(told[1]) <= len(lines) + 1  # the last one's line may not have been written
