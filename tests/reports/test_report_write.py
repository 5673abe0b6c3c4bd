from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from skipbeat_arch.errors import InputError
from skipbeat_reports.page import render_report
from skipbeat_reports.summary import Summary
from skipbeat_reports.write import write_report
from tests.reports.summaries import make_summary


def test_both_files_are_written_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "build" / "demo"
    page, data = write_report(make_summary(), folder)
    assert sorted(folder.iterdir()) == [page, data] == [folder / "report.html", folder / "summary.json"]
    assert page.read_text(encoding="utf-8") == render_report(make_summary())
    assert Summary.from_json(json.loads(data.read_text(encoding="utf-8"))) == make_summary()


def test_an_older_report_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("old")
    page, _ = write_report(make_summary(), tmp_path)
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file/report.html: cannot be written: File exists"):
        write_report(make_summary(), tmp_path / "file")


def test_heavy_packages_are_imported_only_when_used() -> None:
    code = (
        "import sys, skipbeat_reports.write, skipbeat_reports.terminal, skipbeat_reports.estimate;"
        "print(sorted({'matplotlib', 'jinja2', 'rich', 'torch', 'amaranth'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
