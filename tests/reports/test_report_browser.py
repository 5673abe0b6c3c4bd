"""The page in a real browser: it draws, its script runs, it asks for nothing, and it fits a telephone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from skipbeat_reports.page import render_report
from tests.reports.browser import CHROMIUM, Browser, first_column, png, width_in_frame, with_script
from tests.reports.summaries import make_summary

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed")


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    return Browser(tmp_path)


@pytest.fixture(scope="module")
def page() -> str:
    return render_report(make_summary())


def test_the_page_draws_without_a_word_on_the_console(browser: Browser, page: str, tmp_path: Path) -> None:
    picture = tmp_path / "page.png"
    _, console = browser.run(page, f"--screenshot={picture}", "--window-size=1280,2400")
    assert console == []
    width, height, colours = png(picture)
    assert (width, height) == (1280, 2400)
    assert colours > 50, "the picture is blank"


def test_a_request_or_an_error_would_have_been_heard(browser: Browser, page: str) -> None:
    _, console = browser.run(with_script(page, "document.body.append(new Image()).src"), "--dump-dom")
    assert any("Uncaught TypeError" in line for line in console)
    _, console = browser.run(with_script(page, "new Image().src = 'http://host.invalid/x.png'"), "--dump-dom")
    assert any("http://host.invalid/x.png" in line and "Content Security Policy" in line for line in console)


def test_headings_sort_the_table_both_ways(browser: Browser, page: str) -> None:
    layers = make_summary().layers
    down = [layer.name for layer in sorted(layers, key=lambda layer: -layer.cycles)]
    assert down != [layer.name for layer in layers]
    click = "document.querySelectorAll('table.sortable thead button')[3].click();"
    for clicks, order, expected in ((1, "descending", down), (2, "ascending", down[::-1])):
        dom, console = browser.run(with_script(page, click * clicks), "--dump-dom")
        assert console == []
        assert first_column(dom) == expected
        assert re.findall(r'<th [^>]*aria-sort="(\w+)"', dom) == [order]
        assert '<th scope="row">Total</th>' in dom[dom.index("<tfoot>") :]


def test_without_a_click_the_layers_stand_in_network_order(browser: Browser, page: str) -> None:
    dom, _ = browser.run(page, "--dump-dom")
    assert first_column(dom) == [layer.name for layer in make_summary().layers]
    assert dom.count('<button type="button">') == 9


@pytest.mark.parametrize("width", [360, 768])
def test_the_page_never_scrolls_sideways(browser: Browser, page: str, width: int) -> None:
    assert width_in_frame(browser, page, width) == width
