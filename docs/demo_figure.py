"""Draws the README's picture from a run's `summary.json`, with the report's own plots and colours.

.venv/bin/python docs/demo_figure.py build/demo/summary.json docs/demo.svg
"""

from __future__ import annotations

import json
import re
import sys
from html import escape
from importlib import resources
from pathlib import Path

from skipbeat_arch.files import write_text
from skipbeat_reports import plots
from skipbeat_reports.bars import Plot
from skipbeat_reports.numbers import percent, ratio
from skipbeat_reports.summary import Summary

PANEL, GAP, TOP, MARGIN = 404, 24, 74, 12


def main(source: str, target: str) -> None:
    """Read the summary, write the figure."""
    summary = Summary.from_json(json.loads(Path(source).read_text()))
    panels = [plots.cycles(summary.layers), plots.clocks(summary.layers)]
    width = 2 * PANEL + GAP + 2 * MARGIN
    parts = [_panel(plot, MARGIN + number * (PANEL + GAP)) for number, plot in enumerate(panels)]
    height = TOP + _height(panels[0]) + MARGIN
    title = escape(_headline(summary))
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{title}">\n'
        f"<style>{_colours()}\ntext {{ font-family: sans-serif !important; }}</style>\n"
        f'<rect width="100%" height="100%" style="fill: var(--paper)"/>\n'
        f'<text x="{MARGIN}" y="26" font-size="14" font-weight="600" style="fill: var(--ink)">{title}</text>\n'
    )
    write_text(target, svg + "\n".join(parts) + "\n</svg>\n")


def _headline(s: Summary) -> str:
    text = f"{s.model} at {s.pattern} on {s.hardware.name}, batch {s.batch}: {ratio(s.speedup)} over dense"
    if s.accuracy is not None:
        text += f", int8 accuracy {percent(s.accuracy.int8)} (dense {percent(s.accuracy.dense)})"
    if s.rtl is not None:
        text += "; RTL and models agree" if s.rtl.agrees else "; RTL AND MODELS DO NOT AGREE"
    return text


def _panel(plot: Plot, x: int) -> str:
    """A plot with its title and legend above it."""
    lines = [f'<text x="{x}" y="50" font-size="12" font-weight="600" style="fill: var(--ink)">{plot.title}</text>']
    at = x
    for role, label in plot.legend:
        lines.append(f'<rect x="{at}" y="58" width="9" height="9" rx="1.5" style="fill: var(--{role})"/>')
        lines.append(f'<text x="{at + 13}" y="66" font-size="10" style="fill: var(--muted)">{escape(label)}</text>')
        at += 30 + 6 * len(label)
    lines.append(str(plot.svg).replace("<svg ", f'<svg x="{x}" y="{TOP}" width="{PANEL}" height="{_height(plot)}" ', 1))
    return "\n".join(lines)


def _height(plot: Plot) -> int:
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', plot.svg)
    if box is None:
        raise ValueError(f"plot {plot.title}: no viewBox")
    return round(PANEL * float(box[2]) / float(box[1]))


def _colours() -> str:
    """The page's colours for light and for dark."""
    css = (resources.files("skipbeat_reports") / "templates" / "report.css").read_text()
    return css[: css.index("* {")]


if __name__ == "__main__":
    main(*sys.argv[1:])
