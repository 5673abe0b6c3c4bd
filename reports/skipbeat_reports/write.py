"""Puts a run's two files, `report.html` and `summary.json`, into a folder."""

from __future__ import annotations

import json
from pathlib import Path

from skipbeat_arch.files import write_text

from .page import render_report
from .summary import Summary


def write_report(summary: Summary, folder: Path) -> tuple[Path, Path]:
    """Write both files and return their paths, page first; readers never see half a file.

    Raises:
        InputError: one cannot be written, or the folder cannot be made.
    """
    page, data = folder / "report.html", folder / "summary.json"
    html = render_report(summary)
    text = json.dumps(summary.to_json(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return write_text(page, html), write_text(data, text)
