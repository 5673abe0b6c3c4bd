"""A comparison in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from ..console import make_console, print_table
from ..numbers import MISSING, count, duration, printable, ratio, shorten_all
from .comparison import Change, Comparison
from .reasons import reason, signed

if TYPE_CHECKING:
    from rich.console import Console

_NAME_CHARACTERS = 32
#: Layers of which the reasons are told; the page and the table of --csv have all.
MOST_REASONS = 20


def print_comparison(comparison: Comparison, file: TextIO | None = None) -> None:
    """Print clocks side by side, and for each result what it was made with, and which layers changed and why."""
    console = make_console(file)
    _side_by_side(console, comparison)
    for entry, changes, settings in zip(comparison.entries[1:], comparison.changes, comparison.settings, strict=True):
        console.print()
        console.print(f"{printable(entry.label)} against {printable(comparison.entries[0].label)}", soft_wrap=True)
        for what, before, now in settings:
            console.print(f"  {printable(what)}: {printable(before)} → {printable(now)}", soft_wrap=True)
        console.print(f"  {verdict(changes)}", soft_wrap=True)
        _reasons(console, changes)


def verdict(changes: tuple[Change, ...]) -> str:
    """How many layers became quicker and slower."""
    quicker, slower = (sum(change.difference * sign > 0 for change in changes) for sign in (-1, 1))
    return f"{quicker} layers quicker, {slower} slower, {len(changes) - quicker - slower} as before"


def _side_by_side(console: Console, comparison: Comparison) -> None:
    labels = [printable(entry.label) for entry in comparison.entries]
    totals = [entry.cycles for entry in comparison.entries]
    titles = ["cycles of", labels[0]]
    footer = ["total", count(totals[0])]
    for label, total in zip(labels[1:], totals[1:], strict=True):
        titles += [label, "quicker"]
        footer += [count(total), ratio(totals[0] / total if total else None)]
    rows = []
    names = shorten_all([printable(name) for name in comparison.names], _NAME_CHARACTERS)
    for row, name in enumerate(names):
        changes = [found[row] for found in comparison.changes]
        cells = [name, _clocks(changes[0].was)]
        for change in changes:
            cells += [_clocks(change.cycles), ratio(change.ratio)]
        rows.append(cells)
    print_table(console, titles, rows, footer=footer)
    for label, entry in zip(labels, comparison.entries, strict=True):
        time = duration(entry.cycles, entry.clock_mhz)
        console.print(f"{label}: {time} at {entry.clock_mhz:g} MHz ({printable(entry.clock_source)})", soft_wrap=True)


def _clocks(value: int | None) -> str:
    return MISSING if value is None else count(value)


def _reasons(console: Console, changes: tuple[Change, ...]) -> None:
    changed = sorted((each for each in changes if each.difference), key=lambda each: -abs(each.difference))
    if not changed:
        return
    names = [shorten_all([printable(change.layer)], _NAME_CHARACTERS)[0] for change in changed[:MOST_REASONS]]
    rows = [[name, signed(change.difference), reason(change)] for name, change in zip(names, changed, strict=False)]
    print_table(console, ["layer", "clocks", "why"], rows, texts=(0, 2))
    if len(changed) > MOST_REASONS:
        console.print(f"and {len(changed) - MOST_REASONS} more (--csv and --html have all)")
