"""Numbers and names as people read them: thousands separators, sensible digits, no control characters."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from math import inf

MISSING = "–"


def count(value: int) -> str:
    """1234567 -> `1,234,567`."""
    return f"{value:,}"


def ratio(value: float | None) -> str:
    """1.978 -> `1.98×`; None (nothing to divide by) -> a dash; infinity has its own sign."""
    if value is None:
        return MISSING
    return "∞" if value == inf else f"{value:.2f}×"


def percent(fraction: float, digits: int = 1) -> str:
    """0.98222 -> `98.2 %`, with a space that does not break."""
    return f"{100 * fraction:.{digits}f}\u00a0%"


def quantity(value: float) -> str:
    """Three significant digits below a thousand, whole numbers with separators above."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def bits_unit(most: int) -> tuple[str, int]:
    """The unit in which up to `most` bits read well, and its size in bits."""
    if most >= 8 << 20:
        return "MiB", 8 << 20
    return ("KiB", 8 << 10) if most >= 8 << 10 else ("B", 8)


def bits(value: int) -> str:
    """A number of bits as B, KiB or MiB, whichever reads well."""
    unit, scale = bits_unit(value)
    number = f"{value / scale:,.0f}" if unit == "B" else quantity(value / scale)
    return f"{number}\u00a0{unit}"


def energy_unit(most: float) -> tuple[str, float]:
    """The unit in which up to `most` pJ read well, and its size in pJ."""
    units = (("J", 1e12), ("mJ", 1e9), ("µJ", 1e6), ("nJ", 1e3))
    return next(((unit, scale) for unit, scale in units if most >= scale), ("pJ", 1.0))


def energy(picojoules: float) -> str:
    """An energy in pJ as pJ to J, whichever reads well."""
    unit, scale = energy_unit(picojoules)
    return f"{quantity(picojoules / scale)}\u00a0{unit}"


def duration(cycles: int, clock_mhz: float) -> str:
    """The time of `cycles` clocks at `clock_mhz` MHz."""
    micros = cycles / clock_mhz
    for unit, scale in (("s", 1e6), ("ms", 1e3)):
        if micros >= scale:
            return f"{quantity(micros / scale)}\u00a0{unit}"
    return f"{quantity(micros)}\u00a0µs"


def printable(text: str) -> str:
    """`text` on one line, with every character that cannot be shown (ESC, NUL, newline …) replaced by `?`."""
    return "".join(char if char.isprintable() else "?" for char in text)


def shorten_all(names: Sequence[str], width: int) -> list[str]:
    """The names in at most `width` characters, told apart if possible.

    The dotted prefix that all share goes first; what is still too long is cut in the middle, because both ends of
    a module's name tell layers apart.
    """
    if all(len(name) <= width for name in names):
        return list(names)
    parents = [name.split(".")[:-1] for name in names]
    columns = zip(*parents, strict=False)
    shared = [column[0] for column in takewhile(lambda column: len(set(column)) == 1, columns)]
    if len(names) == 1 or not shared:
        return [_shorten(name, width) for name in names]
    start = len(".".join(shared)) + 1
    return [_shorten(f"…{name[start:]}", width) for name in names]


def _shorten(text: str, width: int) -> str:
    if len(text) <= width:
        return text
    head = (width - 1) // 2
    return f"{text[:head]}…{text[len(text) - (width - 1 - head) :]}"
