"""The plots of the page, one horizontal bar per layer. matplotlib is imported when the first one is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .bars import Plot, count_axis, figure, share_axis, stack, value
from .layer import LayerSummary
from .numbers import bits, bits_unit, percent, ratio
from .svg import role

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
            value(axes, max(layer.cycles, layer.cycles_dense), row, ratio(layer.speedup))
        count_axis(axes, max(*dense, *sparse, 1), "cycles")

    return Plot(
        title="Cycles per layer",
        caption="Shorter is faster. The figure at the end of a bar is the speed-up over dense on the same array. "
        "No schedule can go below the limit, at which every multiplier does a kept multiply-accumulate in every clock.",
        legend=(("dense", "dense"), ("accent", "sparse"), ("limit", "limit")),
        svg=figure(_names(layers), draw, "cycles", "Bars: dense and sparse cycles of each layer, and the limit"),
    )


def utilization(layers: Sequence[LayerSummary]) -> Plot:
    """The share of multiplier clocks that did a kept multiply-accumulate."""

    def draw(axes: Axes, rows: range) -> None:
        axes.barh(rows, [1] * len(layers), height=0.44, color=role("track"))
        axes.barh(rows, [layer.utilization for layer in layers], height=0.44, color=role("accent"))
        for row, layer in zip(rows, layers, strict=True):
            value(axes, 1, row, percent(layer.utilization))
        share_axis(axes)

    return Plot(
        title="Utilisation per layer",
        caption="The share of all multipliers and clocks that did a multiply-accumulate with a nonzero weight. "
        "Skipped zeros do not count, so 100 % is the most there is.",
        legend=(("accent", "kept multiply-accumulates"), ("track", "idle")),
        svg=figure(_names(layers), draw, "utilization", "Bars: multiplier utilisation of each layer"),
    )


def clocks(layers: Sequence[LayerSummary]) -> Plot:
    """Each layer's clocks by what the array did, as shares."""
    parts = (("accent", "compute"), ("warm", "waiting for a tile"), ("alarm", "hazard"), ("quiet", "fill and drain"))

    def draw(axes: Axes, rows: range) -> None:
        for row, layer in zip(rows, layers, strict=True):
            spent = layer.clocks
            numbers = (spent.compute, spent.tile_wait, spent.hazard, spent.fill_drain)
            total = max(spent.cycles, 1)
            stack(axes, row, [number / total for number in numbers], [colour for colour, _ in parts])
            value(axes, 1, row, f"{layer.cycles:,}")
        share_axis(axes)

    return Plot(
        title="Where each clock went",
        caption="Shares of a layer's cycles, whose number stands at the right. A hazard is a wait after "
        "a pass so short that the next one reads what it has just written. Compute includes steps in which ragged "
        "sizes or uneven groups leave multipliers idle.",
        legend=parts,
        svg=figure(
            _names(layers), draw, "clocks", "Stacked bars: compute, tile wait, hazard, fill and drain per layer"
        ),
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
            stack(axes, row, numbers, [colour for colour, _ in parts])
            value(axes, stored.total / scale, row, bits(stored.total))
        count_axis(axes, most / scale, unit)

    return Plot(
        title="Compressed weights",
        caption="What a layer's weights take in memory. Metadata says where the nonzeros are; "
        "padding fills the last word of a tile.",
        legend=parts,
        svg=figure(
            _names(layers), draw, "weights", "Stacked bars: value, metadata and padding bits of each layer's weights"
        ),
    )


def _names(layers: Sequence[LayerSummary]) -> list[str]:
    return [layer.name for layer in layers]
