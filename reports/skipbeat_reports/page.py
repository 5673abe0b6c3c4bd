"""The HTML page of a run: one file that needs no network, follows light and dark, and prints."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from . import numbers
from .plots import all_plots
from .summary import Summary

if TYPE_CHECKING:
    from jinja2 import Environment


def render_report(summary: Summary) -> str:
    """The page as text: headline, check against the RTL, tables, plots and assumptions."""
    return _environment().get_template("report.html.j2").render(s=summary, plots=all_plots(summary.layers))


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("skipbeat_reports"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    filters = (numbers.count, numbers.ratio, numbers.percent, numbers.bits, numbers.quantity, numbers.printable)
    environment.filters |= {function.__name__: function for function in filters}
    environment.globals["duration"] = numbers.duration
    return environment
