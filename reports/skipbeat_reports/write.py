"""Puts a run's two files, `report.html` and `summary.json`, into a folder."""

from __future__ import annotations

import json
from pathlib import Path

from skipbeat_arch.errors import InputError

from .page import render_report
from .replace import replace_text
from .summary import Summary


def write_report(summary: Summary, folder: Path) -> tuple[Path, Path]:
    """Write both files and return their paths, page first; readers never see half a file.

    Raises:
        InputError: the folder cannot be made or written to.
    """
    page, data = folder / "report.html", folder / "summary.json"
    html = render_report(summary)
    text = json.dumps(summary.to_json(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace_text(data, text)
        replace_text(page, html)
    except OSError as error:
        raise InputError(f"{folder}: expected a folder that can be written to: {error.strerror}") from None
    return page, data
