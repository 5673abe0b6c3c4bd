"""Draws the README's picture: the estimate of `skipbeat demo`, with the report's own plots and colours.

.venv/bin/python docs/demo_figure.py docs/demo.svg
"""

from __future__ import annotations

import re
from argparse import ArgumentParser
from html import escape
from importlib import resources

from skipbeat.demonstration import MODEL
from skipbeat_arch.estimate import Estimate
from skipbeat_arch.files import write_text
from skipbeat_arch.hardware import load_hardware
from skipbeat_mapper.estimate import estimate_model
from skipbeat_mapper.estimate.graph_model import graph_model
from skipbeat_models.prepare import prepare_trained
from skipbeat_reports.bars import Plot
from skipbeat_reports.estimate import figures, plots
from skipbeat_reports.numbers import ratio

PANEL, GAP, TOP, MARGIN = 404, 24, 74, 12
PATTERN, IMAGES = "2:4", 16


def main(target: str) -> None:
    """Train the network as the demo does, price it, write the figure."""
    prepared = prepare_trained(MODEL, PATTERN)
    estimate = estimate_model(graph_model(prepared.graph, MODEL, IMAGES), load_hardware("edge-16x16"))
    write_text(
        target, draw(estimate, f"int8 accuracy {prepared.int8_accuracy:.1f}% (dense {prepared.dense_accuracy:.1f}%)")
    )


def draw(estimate: Estimate, accuracy: str) -> str:
    """The figure as SVG."""
    panels = [plots.cycles(estimate), plots.clocks(estimate)]
    width = 2 * PANEL + GAP + 2 * MARGIN
    parts = [_panel(plot, MARGIN + number * (PANEL + GAP)) for number, plot in enumerate(panels)]
    height = TOP + _height(panels[0]) + MARGIN
    speedup = ratio(figures.speedup(estimate))
    what = f"{estimate.model} at {PATTERN} on {estimate.hardware}, batch {estimate.batch}"
    title = escape(f"{what}: {speedup} over dense, {accuracy}")
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{title}">\n'
        f"<style>{_colours()}\ntext {{ font-family: sans-serif !important; }}</style>\n"
        f'<rect width="100%" height="100%" style="fill: var(--paper)"/>\n'
        f'<text x="{MARGIN}" y="26" font-size="14" font-weight="600" style="fill: var(--ink)">{title}</text>\n'
    )
    return svg + "\n".join(parts) + "\n</svg>\n"


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
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("target")
    main(parser.parse_args().target)
