"""Puts a run's two files, `report.html` and `summary.json`, into a folder."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from skipbeat_arch.errors import InputError

from .page import render_report
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
        _replace(data, text)
        _replace(page, html)
    except OSError as error:
        raise InputError(f"{folder}: expected a folder that can be written to: {error.strerror}") from None
    return page, data


def _replace(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
