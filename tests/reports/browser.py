"""A headless browser for the tests of the pages."""

from __future__ import annotations

import html
import re
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for name in NAMES if (path := shutil.which(name))), "")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--enable-logging=stderr",
)


class Browser:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def run(self, page: str, *flags: str, fragment: str = "") -> tuple[str, list[str]]:
        """Load a page; return what was written to standard output and the lines that the page's console got.

        `fragment` is what follows the address, such as `#sort=cycles`.
        """
        (self._folder / "page.html").write_text(page, encoding="utf-8")
        profile = self._folder / "profile"
        shutil.rmtree(profile, ignore_errors=True)
        done = subprocess.run(
            [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", *flags, (self._folder / "page.html").as_uri() + fragment],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def with_script(page: str, script: str) -> str:
    return page.replace("</body>", f"<script>{script}</script></body>")


def first_column(dom: str) -> list[str]:
    """The rows of the table that sorts."""
    table = dom[dom.index('<table class="sortable') :]
    body = table[table.index("<tbody>") : table.index("</tbody>")]
    return re.findall(r'<th scope="row"[^>]*>([^<]+)', body)


def width_in_frame(browser: Browser, page: str, width: int) -> int:
    """The width that a page takes on a screen of `width` pixels; more, if it scrolls sideways."""
    frame = (
        f'<!doctype html><iframe width="{width}" height="900" srcdoc="{html.escape(page)}"></iframe><script>'
        "onload = () => { document.title = frames[0].document.documentElement.scrollWidth; }</script>"
    )
    dom, _ = browser.run(frame, "--dump-dom", "--window-size=1280,1000")
    found = re.search(r"<title>(\d+)</title>", dom)
    assert found is not None
    return int(found[1])


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
