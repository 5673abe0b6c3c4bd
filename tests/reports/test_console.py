"""Tables at every width: numbers are whole, texts fold, and what has no room stands below."""

from __future__ import annotations

import io
import re

import pytest

from skipbeat_reports.console import make_console, print_table
from tests.reports.estimate.test_estimate_terminal import Terminal

TITLES = ("layer", "pattern", "clocks", "speed-up", "why")
ROWS = (("encoder.layers.11.mlp", "2:4", "1,234,567,890", "1.99×", "weights wait for a port of four bytes"),)
TEXTS = (0, 1, 4)
FOOTER = ("total", "", "9,876,543,210", "2.01×", "")


def shown(width: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    file = Terminal()
    print_table(make_console(file), TITLES, ROWS, texts=TEXTS, footer=FOOTER)
    return re.sub(r"\x1b\[[\d;]*m", "", file.getvalue()).splitlines()


@pytest.mark.parametrize("width", [18, 20, 30, 40, 60, 80, 100, 200])
def test_numbers_are_whole_and_texts_fold(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = shown(width, monkeypatch)
    assert max(map(len, lines)) <= width
    for row in (*ROWS, FOOTER):
        for index in (2, 3):
            assert sum(row[index] in line.split() for line in lines) == 1
    letters = "".join(lines)
    for text in (*ROWS[0][4].split(), "2:4"):
        assert text in letters or width < 30  # a word that is folded has the next column's between its halves


def test_columns_stand_below_only_where_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = [sum("───" in line for line in shown(width, monkeypatch)) for width in (20, 40, 65, 200)]
    assert tables == [4, 2, 1, 1]


def test_a_number_wider_than_the_terminal_goes_on_in_the_next_line(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = shown(8, monkeypatch)
    digits = "".join(re.sub(r"[^\d,]", "", line) for line in lines)
    assert "1,234,567,890" in digits
    assert max(map(len, lines)) <= 8


def test_a_file_gets_one_line_a_row() -> None:
    file = io.StringIO()
    print_table(make_console(file), TITLES, ROWS, texts=TEXTS, footer=FOOTER)
    head, row, total = file.getvalue().splitlines()
    assert head.split() == list(TITLES)
    assert re.split(r"  +", row.strip()) == list(ROWS[0])
    assert total.split() == ["total", "9,876,543,210", "2.01×"]
