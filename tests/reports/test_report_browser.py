"""The page in a real browser: it draws, its script runs, it asks for nothing, and it fits a telephone."""

from __future__ import annotations

import html
import re
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from skipbeat_reports.page import render_report
from tests.reports.summaries import make_summary

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for name in NAMES if (path := shutil.which(name))), "")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
    "--enable-logging=stderr",
)  # fmt: skip

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed")


class Browser:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def run(self, page: str, *flags: str) -> tuple[str, list[str]]:
        """Load a page; return what was written to standard output and the lines that the page's console got."""
        (self._folder / "page.html").write_text(page, encoding="utf-8")
        profile = self._folder / "profile"
        shutil.rmtree(profile, ignore_errors=True)
        done = subprocess.run(
            [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", *flags, (self._folder / "page.html").as_uri()],
            capture_output=True, text=True, timeout=120, check=True,
        )  # fmt: skip
        return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    return Browser(tmp_path)


@pytest.fixture(scope="module")
def page() -> str:
    return render_report(make_summary())


def with_script(page: str, script: str) -> str:
    return page.replace("</body>", f"<script>{script}</script></body>")


def first_column(dom: str) -> list[str]:
    body = dom[dom.index("<tbody>") : dom.index("</tbody>")]
    return re.findall(r'<th scope="row"[^>]*>([^<]+)', body)


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
    frame = (
        f'<!doctype html><iframe width="{width}" height="900" srcdoc="{html.escape(page)}"></iframe><script>'
        "onload = () => { document.title = frames[0].document.documentElement.scrollWidth; }</script>"
    )
    dom, _ = browser.run(frame, "--dump-dom", "--window-size=1280,1000")
    found = re.search(r"<title>(\d+)</title>", dom)
    assert found is not None
    assert int(found[1]) == width


def png(path: Path) -> tuple[int, int, int]:
    """Width, height and the number of different bytes of an 8-bit PNG's filtered scan lines."""
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", data[16:24])
    pixels, at = b"", 8
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        pixels += data[at + 8 : at + 8 + size] if kind == b"IDAT" else b""
        at += size + 12
    return width, height, len(set(zlib.decompress(pixels)))
