"""The plots of the page, one horizontal bar per layer. matplotlib is imported when the first one is drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from .layer import LayerSummary
from .numbers import bits, bits_unit, percent, printable, ratio, shorten_all
from .svg import role, style, to_svg, token

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH = 5.6  # inches
_ROW = 0.36
_NAME_CHARACTERS = 26


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A figure for the page. `legend` pairs a role of `svg` with its label."""

    title: str
    caption: str
    legend: tuple[tuple[str, str], ...]
    svg: Markup


def all_plots(layers: Sequence[LayerSummary]) -> list[Plot]:
    """The four plots of the page, in order; none when there are no layers."""
    return [draw(layers) for draw in (cycles, utilization, clocks, weights)] if layers else []


def cycles(layers: Sequence[LayerSummary]) -> Plot:
    """Dense and sparse cycles as bars, the limit as a mark."""

    def draw(axes: Axes, rows: range) -> None:
        dense, sparse = [layer.cycles_dense for layer in layers], [layer.cycles for layer in layers]
        axes.barh(rows, dense, height=0.62, color=role("dense"))
        axes.barh(rows, sparse, height=0.30, color=role("accent"))
        for row, layer in zip(rows, layers, strict=True):
            axes.vlines(layer.cycles_limit, row - 0.31, row + 0.31, color=role("limit"), linewidth=1.6)
            _value(axes, max(layer.cycles, layer.cycles_dense), row, ratio(layer.speedup))
        _count_axis(axes, max(*dense, *sparse, 1), "cycles")

    return Plot(
        title="Cycles per layer",
        caption="Shorter is faster. The figure at the end of a bar is the speed-up over dense on the same array. "
        "No schedule can go below the limit, at which every multiplier does a kept multiply-accumulate in every clock.",
        legend=(("dense", "dense"), ("accent", "sparse"), ("limit", "limit")),
        svg=_figure(layers, draw, "cycles", "Bars: dense and sparse cycles of each layer, and the limit"),
    )


def utilization(layers: Sequence[LayerSummary]) -> Plot:
    """The share of multiplier clocks that did a kept multiply-accumulate."""

    def draw(axes: Axes, rows: range) -> None:
        axes.barh(rows, [1] * len(layers), height=0.44, color=role("track"))
        axes.barh(rows, [layer.utilization for layer in layers], height=0.44, color=role("accent"))
        for row, layer in zip(rows, layers, strict=True):
            _value(axes, 1, row, percent(layer.utilization))
        _share_axis(axes)

    return Plot(
        title="Utilisation per layer",
        caption="The share of all multipliers and clocks that did a multiply-accumulate with a nonzero weight. "
        "Skipped zeros do not count, so 100 % is the most there is.",
        legend=(("accent", "kept multiply-accumulates"), ("track", "idle")),
        svg=_figure(layers, draw, "utilization", "Bars: multiplier utilisation of each layer"),
    )


def clocks(layers: Sequence[LayerSummary]) -> Plot:
    """Each layer's clocks by what the array did, as shares."""
    parts = (("accent", "compute"), ("warm", "waiting for a tile"), ("alarm", "hazard"), ("quiet", "fill and drain"))

    def draw(axes: Axes, rows: range) -> None:
        for row, layer in zip(rows, layers, strict=True):
            spent = layer.clocks
            numbers = (spent.compute, spent.tile_wait, spent.hazard, spent.fill_drain)
            total = max(spent.cycles, 1)
            _stack(axes, row, [number / total for number in numbers], [colour for colour, _ in parts])
            _value(axes, 1, row, f"{layer.cycles:,}")
        _share_axis(axes)

    return Plot(
        title="Where each clock went",
        caption="Shares of a layer's cycles, whose number stands at the right. A hazard is a wait after "
        "a pass so short that the next one reads what it has just written. Compute includes steps in which ragged "
        "sizes or uneven groups leave multipliers idle.",
        legend=parts,
        svg=_figure(layers, draw, "clocks", "Stacked bars: compute, tile wait, hazard, fill and drain per layer"),
    )


def weights(layers: Sequence[LayerSummary]) -> Plot:
    """Bits of the compressed weights by what they hold."""
    parts = (("accent", "values"), ("warm", "metadata"), ("quiet", "padding"))

    def draw(axes: Axes, rows: range) -> None:
        most = max(max(layer.weight_bits.total for layer in layers), 1)
        unit, scale = bits_unit(most)
        for row, layer in zip(rows, layers, strict=True):
            stored = layer.weight_bits
            numbers = [stored.values / scale, stored.metadata / scale, stored.padding / scale]
            _stack(axes, row, numbers, [colour for colour, _ in parts])
            _value(axes, stored.total / scale, row, bits(stored.total))
        _count_axis(axes, most / scale, unit)

    return Plot(
        title="Compressed weights",
        caption="What a layer's weights take in memory. Metadata says where the nonzeros are; "
        "padding fills the last word of a tile.",
        legend=parts,
        svg=_figure(layers, draw, "weights", "Stacked bars: value, metadata and padding bits of each layer's weights"),
    )


def _figure(
    layers: Sequence[LayerSummary], draw: Callable[[Axes, range], None], prefix: str, description: str
) -> Markup:
    names = shorten_all([printable(layer.name) for layer in layers], _NAME_CHARACTERS)
    with style():
        from matplotlib.figure import Figure

        height = _ROW * len(layers) + 0.45
        figure = Figure(figsize=(_WIDTH, height))
        left = min(0.45, 0.025 + 0.0155 * max(max(map(len, names)), 4))
        axes = figure.add_axes((left, 0.43 / height, 0.86 - left, 1 - 0.45 / height))
        rows = range(len(layers))
        draw(axes, rows)
        axes.set_yticks(rows, [token(row) for row in rows])
        axes.set_ylim(len(layers) - 0.5, -0.5)
        axes.tick_params(axis="y", pad=6)
        return to_svg(figure, names, prefix, description)


def _stack(axes: Axes, row: int, parts: Sequence[float], roles: Sequence[str]) -> None:
    start = 0.0
    for part, name in zip(parts, roles, strict=True):
        if part:
            axes.barh(row, part, left=start, height=0.44, color=role(name))
        start += part


def _value(axes: Axes, x: float, row: int, text: str) -> None:
    axes.annotate(text, (x, row), xytext=(6, 0), textcoords="offset points", va="center", fontsize=9.5)


def _count_axis(axes: Axes, most: float, unit: str) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_xlim(0, most * 1.02)
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,g}" if x < 1e6 else f"{x / 1e6:,g} M"))
    axes.grid(axis="x")
    axes.set_xlabel(unit, fontsize=9.5)


def _share_axis(axes: Axes) -> None:
    from matplotlib.ticker import PercentFormatter

    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
