from __future__ import annotations

import io
import re
from dataclasses import asdict, replace

import pytest

from skipbeat_arch.estimate import Estimate
from skipbeat_arch.model import Unpriced
from skipbeat_reports.estimate import figures, print_estimate, render_page, to_json
from skipbeat_reports.numbers import percent
from tests.reports.estimate.estimates import HOSTILE, make_estimate


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _no_forced_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def plain(estimate: Estimate) -> str:
    file = io.StringIO()
    print_estimate(estimate, file)
    return file.getvalue()


def on_terminal(estimate: Estimate, width: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(width))
    file = Terminal()
    print_estimate(estimate, file)
    return re.sub(r"\x1b\[[\d;]*m", "", file.getvalue()).splitlines()


def test_a_wish_is_called_one(small: Estimate) -> None:
    assert " at 333 MHz (assumed), " in plain(small)


def test_a_file_gets_every_column_without_escape_sequences(small: Estimate) -> None:
    text = plain(small)
    assert "\x1b" not in text
    lines = text.splitlines()
    head = next(line for line in lines if line.startswith("layer "))
    titles = (
        "layer kind shape pattern bound density dense cycles cycles speed-up limit util. DRAM weights metadata energy"
    )
    assert " ".join(head.split()) == titles
    for layer in small.layers:
        row = next(line for line in lines if line.startswith(layer.name))
        assert f"  {layer.cost.cycles:,}  " in row
        assert f"  {layer.cycles_dense:,}  " in row
        assert layer.shape in row
    total = next(line for line in lines if line.startswith("total"))
    assert f"{small.cycles_dense:,}" in total
    assert f"{small.cycles:,}" in total


@pytest.mark.parametrize("width", [80, 120, 200])
def test_a_terminal_is_never_too_narrow_and_a_layer_takes_one_line(
    small: Estimate, many: Estimate, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for estimate in (small, many):
        lines = on_terminal(estimate, width, monkeypatch)
        assert max(map(len, lines)) <= width
        rule = next(number for number, line in enumerate(lines) if "───" in line)
        for layer, line in zip(estimate.layers, lines[rule + 1 :], strict=False):
            assert f"{layer.cost.cycles:,}" in line
            assert layer.name[-4:] in line


def test_numbers_are_whole_on_the_narrowest_terminal(small: Estimate, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = small.layers[3]
    long = replace(layer, name="x" * 99, cost=replace(layer.cost, cycles=10**12), cycles_dense=10**13)
    lines = on_terminal(make_estimate((long,)), 80, monkeypatch)
    assert sum("1,000,000,000,000" in line for line in lines) == 4
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("width", [24, 40, 60])
def test_a_narrow_terminal_gets_every_number_in_tables_below_one_another(
    small: Estimate, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = on_terminal(small, width, monkeypatch)
    assert max(map(len, lines)) <= width
    words = {word for line in lines for word in line.replace("\u00a0", " ").split()}
    for layer in small.layers:
        assert {f"{layer.cost.cycles:,}", f"{figures.speedup(layer):.2f}×"} <= words
    assert {f"{small.cycles:,}", *(f"{other.cycles:,}" for other in small.references)} <= words


def test_three_totals_and_the_rate_that_balances_the_host(small: Estimate) -> None:
    pool = replace(small.layers[2], name="maxpool", kind="max pooling", layer=False, macs=0, macs_dense=0)
    estimate = replace(small, layers=(*small.layers, pool))
    rate = f"at {estimate.host.elements / estimate.cycles:.3g} elements per clock it takes half of the time"
    text = plain(estimate).replace("\u00a0", " ")
    assert f"layers only   {small.cycles:,} cycles\n" in text
    assert f"as run        {estimate.cycles:,} cycles: with {pool.cost.cycles:,} for pooling" in text
    assert "with the host no rate is stated (host.elements_per_clock) for its 662,696 elements" in text
    assert rate in text
    stated = replace(estimate, host=replace(estimate.host, elements_per_clock=0.5))
    text = plain(stated).replace("\u00a0", " ")
    assert f"with the host {estimate.cycles + 2 * 662_696:,} cycles: 662,696 elements" in text
    assert rate in text
    assert "nothing is left to it" in plain(replace(small, host=replace(small.host, elements=0, bytes=0)))


def test_limits_references_energy_host_and_assumptions(small: Estimate) -> None:
    text = plain(small).replace("\u00a0", " ")
    assert f"limit         {figures.amdahl_limit(small):.2f}× if every layer reached its own" in text
    assert f"work skipped  {figures.work_limit(small):.2f}×: {small.macs:,} of {small.macs_dense:,}" in text
    for other in small.references:
        assert f"{other.name}: {other.explanation}" in text
        assert f"{other.cycles:,}" in text
        assert f"{other.cycles / small.cycles:.2f}×" in text
    for component in figures.energy_by_component(small.layers):
        assert re.search(rf"^{component} +[\d.]+ [nµ]J +[\d.]+ %$", text, re.MULTILINE)
    assert f"table: {small.energy_table}" in text
    assert "at 8 pJ per bit" in text
    assert "at 47, the lowest and highest published (Sparseloop" in text
    assert re.search(r"^aten.softmax +host +13 +461,992$", text, re.MULTILINE)
    assert re.search(r"^aten.relu +output stage +17 +6,823,936$", text, re.MULTILINE)
    for assumption in small.assumptions:
        assert f"assumption: {assumption}" in text


def test_texts_are_neither_markup_nor_commands(hostile: Estimate) -> None:
    text = plain(hostile)
    assert "\x1b" not in text
    assert "\x00" not in text
    shown = HOSTILE.replace("\x1b", "?").replace("\x00", "?")
    assert text.count(shown) >= 10


def test_no_layers() -> None:
    text = plain(make_estimate(()))
    assert "speed-up      – over dense" in text
    assert "– per second" in text


def test_what_is_not_priced_comes_first(small: Estimate) -> None:
    kinds = [
        Unpriced(name=f"block{i}", operator="mine.linear", reason="unknown", elements=10, parameters=100, share=0.1)
        for i in range(6)
    ]
    estimate = replace(small, unpriced=tuple(kinds))
    lines = plain(estimate).splitlines()
    assert lines[1] == (
        "NOT PRICED: 6 operators that multiply, or may, are in no number below; they hold "
        f"{percent(0.6)} of the parameters and make 60 elements"
    )
    assert lines[2] == ("- mine.linear, unknown: block0, block1, block2, block3, ...; 60 elements, 600 parameters")
    assert "NOT PRICED" in render_page(estimate)
    assert to_json(estimate)["unpriced"][0] == asdict(kinds[0])
