"""The estimate's page in a real browser: it draws, sorts, asks for nothing, and fits a telephone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from skipbeat_arch.estimate import Estimate
from skipbeat_reports.estimate import render_page
from tests.reports.browser import CHROMIUM, Browser, first_column, png, width_in_frame, with_script

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed")


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    return Browser(tmp_path)


@pytest.fixture(scope="module")
def page(small: Estimate) -> str:
    return render_page(small)


def test_it_draws_without_a_word_on_the_console(browser: Browser, page: str, tmp_path: Path) -> None:
    picture = tmp_path / "page.png"
    _, console = browser.run(page, f"--screenshot={picture}", "--window-size=1280,3600")
    assert console == []
    width, height, colours = png(picture)
    assert (width, height) == (1280, 3600)
    assert colours > 50, "the picture is blank"


def test_hostile_names_run_nothing(browser: Browser, hostile: Estimate) -> None:
    dom, console = browser.run(render_page(hostile), "--dump-dom")
    assert console == []
    assert first_column(dom)[0].startswith("&lt;/script&gt;&lt;script&gt;alert(1)")


@pytest.mark.parametrize(
    ("fragment", "key", "order"), [("#sort=cycles", 1, "descending"), ("#sort=-cycles", -1, "ascending")]
)
def test_the_address_sorts(browser: Browser, page: str, small: Estimate, fragment: str, key: int, order: str) -> None:
    dom, console = browser.run(page, "--dump-dom", fragment=fragment)
    assert console == []
    expected = [layer.name for layer in sorted(small.layers, key=lambda layer: -key * layer.cost.cycles)]
    assert expected != [layer.name for layer in small.layers]
    assert first_column(dom) == expected
    assert re.findall(r'<th [^>]*data-key="(\w+)"[^>]*aria-sort="(\w+)"', dom) == [("cycles", order)]


def test_an_unknown_column_sorts_nothing(browser: Browser, page: str, small: Estimate) -> None:
    dom, console = browser.run(page, "--dump-dom", fragment="#sort=nonsense")
    assert console == []
    assert first_column(dom) == [layer.name for layer in small.layers]


def test_headings_are_buttons_that_sort_numbers_names_and_infinities(
    browser: Browser, page: str, small: Estimate
) -> None:
    names = [layer.name for layer in small.layers]
    limits = sorted(small.layers, key=lambda layer: -layer.speedup_limit)
    patterns = {layer.name: layer.pattern for layer in small.layers}
    click = "document.querySelector('[data-key={}] button').click();"
    dom, console = browser.run(with_script(page, click.format("speedup_limit")), "--dump-dom")
    assert console == []
    assert first_column(dom) == [layer.name for layer in limits]
    assert first_column(dom)[0] == "pruned.away"
    dom, _ = browser.run(with_script(page, click.format("pattern")), "--dump-dom")
    assert [patterns[name] for name in first_column(dom)] == sorted(patterns.values())
    dom, _ = browser.run(with_script(page, click.format("cycles") + click.format("name")), "--dump-dom")
    assert first_column(dom) == names


@pytest.mark.parametrize("width", [360, 768])
def test_it_never_scrolls_sideways(browser: Browser, many: Estimate, width: int) -> None:
    assert width_in_frame(browser, render_page(many), width) == width
