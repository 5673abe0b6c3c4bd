from __future__ import annotations

import io
from dataclasses import replace

import pytest

from skipbeat_arch.timing import Clocks
from skipbeat_reports.layer import LayerSummary
from skipbeat_reports.summary import Summary
from skipbeat_reports.terminal import print_layers
from tests.reports.summaries import make_layer, make_summary


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def printed(*names: str) -> str:
    file = io.StringIO()
    print_layers([make_layer(name) for name in names], file)
    return file.getvalue()


@pytest.fixture(autouse=True)
def _no_forced_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def test_a_file_gets_plain_columns_with_the_numbers() -> None:
    summary = make_summary()
    file = io.StringIO()
    print_layers(summary.layers, file)
    head, *rows, total = file.getvalue().splitlines()
    assert " ".join(head.split()) == "layer shape pattern dense cycles cycles limit speed-up utilisation"
    expected: list[LayerSummary | Summary] = [*summary.layers, summary]
    for line, it in zip([*rows, total], expected, strict=True):
        cells = line.replace("\u00a0%", "").replace(",", "").split()[-5:]
        assert cells[:3] == [str(it.cycles_dense), str(it.cycles), str(it.cycles_limit)]
        assert it.speedup is not None
        assert cells[3] == f"{it.speedup:.2f}×"
        assert float(cells[4]) == pytest.approx(100 * it.utilization, abs=0.05)


def test_a_file_gets_no_escape_sequences_and_whole_names() -> None:
    name = "stages." * 30
    text = printed(name)
    assert name in text
    assert "\x1b" not in text


def test_a_terminal_gets_weight_and_lines() -> None:
    file = Terminal()
    print_layers(make_summary().layers, file)
    assert "\x1b[1m" in file.getvalue()
    assert "─" in file.getvalue()


def test_a_narrow_terminal_keeps_one_line_per_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    file = Terminal()
    print_layers(make_summary().layers, file)
    for layer in make_summary().layers:
        line = next(line for line in file.getvalue().splitlines() if layer.name in line)
        assert f"{layer.cycles:,}" in line
        assert "%" in line
    assert "3×3" not in file.getvalue()


@pytest.mark.parametrize(
    ("name", "shown"), [("[red]x[/red]", "[red]x[/red]"), (":boom:", ":boom:"), ("a\x1b[2J", "a?[2J")]
)
def test_names_are_neither_markup_nor_commands(name: str, shown: str) -> None:
    text = printed(name)
    assert shown in text
    assert "\x1b" not in text


def test_no_layers_and_no_cycles() -> None:
    assert printed().splitlines()[-1].split() == ["total", "0", "0", "0", "–", "0.0", "%"]
    file = io.StringIO()
    print_layers([replace(make_layer("idle"), cycles=0, utilization=0.0, clocks=Clocks())], file)
    assert "–" in file.getvalue()
