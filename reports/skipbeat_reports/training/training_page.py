"""The HTML page of a training step: one file that needs no network, follows light and dark, and prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from skipbeat_arch.files import write_text
from skipbeat_arch.training_estimate import StepCost, TrainingEstimate

from ..bars import Plot, count_axis, figure, is_tall, stacks, values
from ..environment import environment
from ..numbers import ratio
from . import training_figures as figures

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: The colours of forward, backward and update.
_ROLES = ("accent", "cool", "warm")


def write_page(estimate: TrainingEstimate, path: str | Path) -> Path:
    """Write the page; readers never see half of it.

    Raises:
        InputError: the file cannot be written.
        OSError: the disk is full.
    """
    return write_text(path, render_page(estimate))


def render_page(estimate: TrainingEstimate) -> str:
    """The page as text: headline, totals, layers, optimiser and host, and assumptions."""
    return (
        environment()
        .get_template("training.html.j2")
        .render(
            e=estimate,
            f=figures,
            plots=[_plot(step, number) for number, step in enumerate(estimate.steps)],
            notes=estimate.assumptions,
            made=None if estimate.provenance is None else estimate.provenance.to_json(),
        )
    )


def _plot(step: StepCost, number: int) -> Plot:
    """Clocks of every layer, by role."""
    layers = step.layers

    def draw(axes: Axes) -> None:
        costs = [[figures.role_of(layer, role) for role in figures.ARRAY_ROLES] for layer in layers]
        stacks(axes, [[0 if cost is None else cost.cycles for cost in row] for row in costs], _ROLES)
        speedups = [ratio(figures.speedup(layer.cycles, layer.cycles_dense)) for layer in layers]
        values(axes, [layer.cycles for layer in layers], speedups)
        count_axis(axes, max(layer.cycles for layer in layers), "cycles")

    return Plot(
        title=f"Cycles per layer: {figures.patterns(step)}",
        caption="The figure at the end of a bar is the layer's speed-up over a dense step on the same array.",
        legend=tuple(zip(_ROLES, map(str, figures.ARRAY_ROLES), strict=True)),
        svg=figure(
            [layer.name for layer in layers],
            draw,
            f"step{number}",
            "Bars: cycles of each layer by forward, backward and update",
        ),
        tall=is_tall(len(layers)),
    )
