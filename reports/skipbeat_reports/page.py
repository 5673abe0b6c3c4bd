"""The HTML page of a run: one file that needs no network, follows light and dark, and prints."""

from __future__ import annotations

from .environment import environment
from .plots import all_plots
from .summary import Summary


def render_report(summary: Summary) -> str:
    """The page as text: headline, check against the RTL, tables, plots and assumptions."""
    return environment().get_template("report.html.j2").render(s=summary, plots=all_plots(summary.layers))
