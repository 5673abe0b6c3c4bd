"""`skipbeat cache`: where it is, how much is in it, and that it can be emptied."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from skipbeat.cli import main
from skipbeat_arch.cache import content_key, read_value, write_value


def test_it_shows_and_empties(empty_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_value("prices", content_key("a"), bytes(5_000_000))
    assert main(["cache"]) == 0
    title, row, total, where = capsys.readouterr().out.splitlines()
    assert (title.split(), row.split()[:2], total.split()[:2]) == (
        ["kind", "entries", "MB"],
        ["prices", "1"],
        ["all", "1"],
    )
    assert where == f"in {empty_cache}, which may have 4,295 MB"
    assert main(["cache", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["folder"], found["kinds"][0]["kind"]) == (str(empty_cache), "prices")
    assert main(["cache", "--clear", "--json"]) == 0
    cleared = json.loads(capsys.readouterr().out)
    assert (cleared["removed_bytes"], cleared["bytes"], cleared["kinds"]) == (found["bytes"], 0, [])
    assert read_value("prices", content_key("a")) is None
    assert main(["cache", "--clear"]) == 0
    assert capsys.readouterr().out == f"removed 0.0 MB from {empty_cache}\n"
