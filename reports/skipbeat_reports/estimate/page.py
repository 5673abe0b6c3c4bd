"""The HTML page of an estimate: one file that needs no network, follows light and dark, and prints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from skipbeat_arch.arguments import expect
from skipbeat_arch.estimate import Estimate
from skipbeat_arch.files import write_text

from ..environment import environment
from ..ran import Ran
from . import figures
from .plots import all_plots
from .terminal import host_sentence
from .unpriced import unpriced_lines


def write_page(estimate: Estimate, path: str | Path, ran: Ran | None = None) -> Path:
    """Write the page, with a section on what ran if something did; readers never see half of it.

    Raises:
        InputError: the file cannot be written.
        OSError: the disk is full.
    """
    expect("estimate", estimate, Estimate, "what `skipbeat.estimate` returns")
    return write_text(path, render_page(estimate, ran))


def render_page(estimate: Estimate, ran: Ran | None = None) -> str:
    """The page as text: headline, references, layers, plots, energy, host operators and assumptions."""
    template = environment().get_template("estimate.html.j2")
    return template.render(
        e=estimate,
        f=figures,
        plots=all_plots(estimate),
        notes=estimate.assumptions,
        unpriced=list(unpriced_lines(estimate)),
        host=_host(estimate),
        host_sentence=host_sentence(estimate),
        ran=ran,
        made=None if estimate.provenance is None else estimate.provenance.to_json(),
    )


def _host(estimate: Estimate) -> list[dict[str, Any]]:
    """The host's operators first, in the order of the model."""
    operators = [
        {"name": name, "operator": operator, "elements": elements, "count": count, "fused": fused}
        for name, operator, elements, count, fused in estimate.host_operators
    ]
    return sorted(operators, key=lambda operator: bool(operator["fused"]))
