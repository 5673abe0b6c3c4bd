"""The plots of the page, one horizontal bar per layer. matplotlib is imported when the first one is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .bars import Plot, bars, count_axis, figure, marks, share_axis, stacks, values
from .layer import LayerSummary
from .numbers import bits, bits_unit, percent, ratio

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def all_plots(layers: Sequence[LayerSummary]) -> list[Plot]:
    """The four plots of the page, in order; none when there are no layers."""
    return [draw(layers) for draw in (cycles, utilization, clocks, weights)] if layers else []


def cycles(layers: Sequence[LayerSummary]) -> Plot:
    """Dense and sparse cycles as bars, the limit as a mark."""

    def draw(axes: Axes) -> None:
        dense, sparse = [layer.cycles_dense for layer in layers], [layer.cycles for layer in layers]
        bars(axes, dense, "dense", 0.62)
        bars(axes, sparse, "accent", 0.30)
        marks(axes, [layer.cycles_limit for layer in layers])
        ends = [max(pair) for pair in zip(dense, sparse, strict=True)]
        values(axes, ends, [ratio(layer.speedup) for layer in layers])
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

    def draw(axes: Axes) -> None:
        bars(axes, [1] * len(layers), "track", 0.44)
        bars(axes, [layer.utilization for layer in layers], "accent", 0.44)
        values(axes, [1] * len(layers), [percent(layer.utilization) for layer in layers])
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

    def draw(axes: Axes) -> None:
        spent = [layer.clocks for layer in layers]
        stacks(
            axes,
            [[n / max(c.cycles, 1) for n in (c.compute, c.tile_wait, c.hazard, c.fill_drain)] for c in spent],
            [colour for colour, _ in parts],
        )
        values(axes, [1] * len(layers), [f"{layer.cycles:,}" for layer in layers])
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

    def draw(axes: Axes) -> None:
        most = max(max(layer.weight_bits.total for layer in layers), 1)
        unit, scale = bits_unit(most)
        stored = [layer.weight_bits for layer in layers]
        shares = [[n / scale for n in (w.values, w.metadata, w.padding)] for w in stored]
        stacks(axes, shares, [colour for colour, _ in parts])
        values(axes, [w.total / scale for w in stored], [bits(w.total) for w in stored])
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
