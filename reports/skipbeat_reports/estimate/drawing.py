"""Figures of matplotlib that show themselves in a notebook, whether or not it has been told to show figures."""

from __future__ import annotations

from io import BytesIO

from matplotlib.figure import Figure

from skipbeat_arch.estimate import Estimate

from ..numbers import printable, shorten_all
from . import figures

_NAME_CHARACTERS = 30


class ShownFigure(Figure):
    """A figure that no state of `pyplot` knows."""

    def _repr_png_(self) -> bytes:
        content = BytesIO()
        self.savefig(content, format="png")
        return content.getvalue()


def clocks_by_cause(estimate: Estimate) -> Figure:
    """Clocks of each layer by what the array did, and those of the dense model."""
    layers = estimate.layers
    rows = range(len(layers))
    figure = ShownFigure(figsize=(8, 1.2 + 0.28 * len(rows)), layout="constrained")
    axes, starts = figure.add_subplot(), [0 for _ in rows]
    for cause, label in figures.CAUSES.items():
        clocks = [layer.cost.clocks.get(cause, 0) for layer in layers]
        axes.barh(rows, clocks, left=starts, label=label)
        starts = [start + own for start, own in zip(starts, clocks, strict=True)]
    axes.plot([layer.cycles_dense for layer in layers], rows, "k|", markersize=9, label="dense")
    names = shorten_all([printable(layer.name) for layer in layers], _NAME_CHARACTERS)
    axes.set_yticks(rows, names, parse_math=False)
    axes.invert_yaxis()
    axes.set_xlabel("clocks")
    axes.set_title(shorten_all([printable(f"{estimate.model} on {estimate.hardware}")], 80)[0], parse_math=False)
    axes.legend()
    return figure
