"""The notebook in docs shows what its cells give."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs" / "estimate.ipynb"


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def said(cell: Any) -> str:
    """What a cell printed."""
    return "".join("".join(output["text"]) for output in cell["outputs"] if output["output_type"] == "stream")


def test_it_was_run_from_its_first_cell_to_its_last() -> None:
    cells = code_cells(json.loads(FILE.read_text()))
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert all(cell["outputs"] for cell in cells[1:])
    assert not any(output["output_type"] == "error" for cell in cells for output in cell["outputs"])
    kinds = {kind for cell in cells for output in cell["outputs"] for kind in output.get("data", {})}
    assert {"text/html", "image/png"} <= kinds


def test_its_estimate_is_todays() -> None:
    first, second, *_ = code_cells(json.loads(FILE.read_text()))
    names: dict[str, Any] = {}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec("".join(first["source"]), names)
        exec("".join(second["source"]), names)
    assert printed.getvalue() == said(second)


@pytest.mark.slow
def test_every_cell_gives_what_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("nbclient", "ipykernel", "pandas"):
        pytest.importorskip(package)
    monkeypatch.chdir(ROOT)
    spec = importlib.util.spec_from_file_location("notebook", ROOT / "docs" / "notebook.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    again = code_cells(module.executed(FILE))
    assert [said(cell) for cell in again] == [said(cell) for cell in code_cells(json.loads(FILE.read_text()))]
