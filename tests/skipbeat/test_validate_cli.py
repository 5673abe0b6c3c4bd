"""`skipbeat validate`: the published numbers, ours, and the page that holds them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from skipbeat.cli import main
from skipbeat.validation import table
from skipbeat.validation.row import Row
from skipbeat.validation.table import BEGIN, END, validation_rows
from tests.skipbeat.command_line import complaint, json_object

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow  # all rows are priced, which takes ten seconds


@pytest.fixture(scope="module")
def rows() -> tuple[Row, ...]:
    return validation_rows()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, rows: tuple[Row, ...]) -> None:
    monkeypatch.setattr(table, "validation_rows", lambda: rows)


def test_each_formula_gives_what_its_tool_printed(rows: tuple[Row, ...]) -> None:
    assert {row.published for row in rows} >= {2_855_031, 1_490_695, 2_133_315, 3_865_041, 147_456, 73_728, 66_707}
    assert all(row.formula_agrees for row in rows)
    assert sum(row.formula is None for row in rows) == 1  # ZigZag searches; it has no formula
    assert all(row.explanation for row in rows)


def test_the_tensor_core_case_and_its_bandwidth(rows: tuple[Row, ...]) -> None:
    _, pruned, wide, narrow = (row for row in rows if row.tool.startswith("Sparseloop"))
    assert pruned.speedup_published == 2
    assert pruned.speedup_core == pytest.approx(2, abs=0.005)
    assert wide.speedup_published == pytest.approx(2.2105, abs=1e-4)
    assert wide.speedup_core == pytest.approx(4, abs=0.02)
    assert narrow.speedup_core == pytest.approx(2, abs=0.01)


def test_no_row_beats_its_multipliers(rows: tuple[Row, ...]) -> None:
    for row in rows:
        if row.case.startswith("ResNet-18") and row.dense_core is None:
            assert row.machine is not None
            assert row.machine * (1024 if "32×32" in row.case else 256) >= 1_814_073_344


def test_the_memory_costs_something_and_not_much(rows: tuple[Row, ...]) -> None:
    """Where the memory is as wide as the hardware description has it, the machine stays close to its core."""
    both = [(row.core, row.machine) for row in rows if row.core is not None and row.machine is not None]
    assert len(both) >= 9
    for core, machine in both:
        assert core < machine < 1.3 * core


@pytest.mark.usefixtures("quick")
def test_json_and_text_agree(capsys: pytest.CaptureFixture[str], rows: tuple[Row, ...]) -> None:
    report = json_object(capsys, "validate")
    assert report["agrees"] is True
    assert [row["core"] for row in report["rows"]] == [row.core for row in rows]
    assert main(["validate"]) == 0
    out = capsys.readouterr().out
    for row in rows:
        assert f"{row.tool}: {row.case}\n  published {row.published:,}, " in out


def test_a_formula_that_is_off_is_a_failed_check(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, rows: tuple[Row, ...]
) -> None:
    monkeypatch.setattr(table, "validation_rows", lambda: (replace(rows[0], formula=1), *rows[1:]))
    assert json_object(capsys, "validate", status=1)["agrees"] is False


@pytest.mark.usefixtures("quick")
def test_the_page_is_up_to_date(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page, kept = tmp_path / "page.md", (ROOT / "docs" / "validation.md").read_text()
    page.write_text(f"{kept[: kept.index(BEGIN)]}{BEGIN}\nold\n{kept[kept.index(END) :]}")
    assert main(["validate", "--write", str(page)]) == 0
    assert page.read_text() == kept, "run make validate"
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("quick")
def test_pages_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "cannot be read: No such file" in complaint(capsys, "validate", "--write", str(tmp_path / "none.md"))
    page = tmp_path / "page.md"
    page.write_text(f"{END}\n{BEGIN}\n")
    assert "once each, in this order" in complaint(capsys, "validate", "--write", str(page))
    assert page.read_text() == f"{END}\n{BEGIN}\n"
