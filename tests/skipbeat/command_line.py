"""Calling the command line in tests, on the smallest hardware."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from skipbeat.cli import main
from skipbeat_reports.result import schema_name
from skipbeat_reports.schemas import RESULTS

#: Options of a core of 2 × 2 PEs, M = 4: it compiles in seconds.
TINY = ("--hw", "tiny-4x4", "--set", "array.rows=2", "--set", "array.cols=2", "--set", "weights.decode_lanes=1")


def process(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    return subprocess.run([sys.executable, "-m", "skipbeat", *arguments], capture_output=True, text=True, check=False)


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line on standard error that bad input gets; nothing else is said, and the status is 2."""
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("skipbeat: error: ")
    assert err.count("\n") == 1
    return err.removeprefix("skipbeat: error: ").rstrip("\n")


def json_object(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> dict[str, Any]:
    """The one JSON object that a command prints."""
    assert main((*arguments, "--json")) == status
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    value: dict[str, Any] = json.loads(out)
    RESULTS[value["schema"].split("/")[1]].model_validate_json(out)
    assert value["schema"] == schema_name(value["schema"].split("/")[1])
    assert value["provenance"]["command"].startswith(f"skipbeat {arguments[0]}")
    return value
