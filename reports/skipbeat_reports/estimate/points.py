"""The plots with a point per layer: the roofline, and speed-up against density."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log10
from typing import TYPE_CHECKING

from markupsafe import Markup

from skipbeat_arch.estimate import Estimate, LayerEstimate

from ..bars import Plot
from ..numbers import count, percent, printable, ratio, shorten_all
from ..svg import role, style, to_svg, token
from . import figures
from .roles import BOUND_ROLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LABELS = 6
_LABEL_CHARACTERS = 20

_Box = tuple[float, float, float, float]  # left, bottom, right, top
_Points = Sequence[tuple[float, float]]


def roofline(estimate: Estimate) -> Plot:
    """Multiply-accumulates per clock against those per byte, under the roofs of compute and memory.

    Williams, Waterman, Patterson: Roofline, CACM 52(4), 2009.
    """
    bandwidth = figures.memory_roof(estimate)
    shown = [layer for layer in estimate.layers if layer.macs and figures.dram_bytes(layer) and layer.cost.cycles]
    points = [(layer.macs / figures.dram_bytes(layer), layer.macs / layer.cost.cycles) for layer in shown]

    def draw(axes: Axes) -> _Points:
        low, high = _range([x for x, _ in points] + ([estimate.pes / bandwidth] if bandwidth else []))
        bottom, _ = _range([y for _, y in points])
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(low, high)
        axes.set_ylim(bottom, estimate.pes * (estimate.pes / bottom) ** 0.12)
        # In many small steps, so that names can keep clear of the line.
        steps = [low * (high / low) ** (index / 80) for index in range(81)]
        roof = [min(estimate.pes, x * bandwidth) if bandwidth else estimate.pes for x in steps]
        axes.plot(steps, roof, color=role("limit"), linewidth=1.4)
        _log_ticks(axes)
        axes.set_xlabel("multiply-accumulates per byte of memory traffic", fontsize=9.5)
        axes.set_ylabel("per clock", fontsize=9.5)
        return list(zip(steps, roof, strict=True))

    tips = [
        f"{printable(layer.name)}: {x:,.3g} per byte, {y:,.3g} per clock, {layer.cost.bound}"
        for layer, (x, y) in zip(shown, points, strict=True)
    ]
    roof = f"{count(estimate.pes)} per clock" + (f", {bandwidth:,.4g} bytes per clock" if bandwidth else "")
    source = "as the layers' memory bounds have it" if bandwidth else "and is not drawn: no layer has a memory bound"
    return Plot(
        title="Roofline",
        caption="Multiply-accumulates with a nonzero weight, per clock and per byte. The flat roof is one per "
        f"multiplier and clock, the slanted one is the memory, {source}. Larger points take more of the cycles; point "
        "at one to read its name. Layers without work or without traffic are left out.",
        legend=(*_bounds(shown), ("limit", f"roofs: {roof}")),
        svg=_scatter(shown, points, tips, draw, "roofline", "Points: layers under the compute and memory roofs"),
    )


def density(estimate: Estimate) -> Plot:
    """Speed-up against the share of weights that are there, with the limit 1 / density."""
    speedups = [(layer, figures.speedup(layer)) for layer in estimate.layers if layer.layer]
    found = [(layer, speedup) for layer, speedup in speedups if speedup is not None]
    points = [(layer.density, speedup) for layer, speedup in found]
    top = max([1.0, *(speedup for _, speedup in points)]) * 1.25 + 0.25

    def draw(axes: Axes) -> _Points:
        steps = [1 / top + (1 - 1 / top) * index / 80 for index in range(81)]
        axes.plot(steps, [1 / step for step in steps], color=role("limit"), linewidth=1.4)
        axes.axhline(1, color=role("quiet"), linewidth=0.8, linestyle=(0, (3, 3)))
        axes.set_xlim(-0.02, 1.04)
        axes.set_ylim(0, top)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
        axes.grid()
        axes.set_xlabel("weights that are not zero", fontsize=9.5)
        axes.set_ylabel("speed-up", fontsize=9.5)
        return [(step, 1 / step) for step in steps]

    layers = [layer for layer, _ in found]
    tips = [
        f"{printable(layer.name)}: {percent(layer.density)}, {ratio(speedup)} of {ratio(layer.speedup_limit)}"
        for layer, speedup in found
    ]
    return Plot(
        title="Speed-up against density",
        caption="The line is the limit: all zero weights skipped, nothing lost. What lies below it is lost to uneven "
        "groups, to waiting, or to bounds other than compute. Point at a layer to read its name.",
        legend=(*_bounds(layers), ("limit", "limit")),
        svg=_scatter(layers, points, tips, draw, "density", "Points: speed-up of each layer against its density"),
    )


def _scatter(
    layers: Sequence[LayerEstimate],
    points: _Points,
    tips: Sequence[str],
    draw: Callable[[Axes], _Points],
    prefix: str,
    description: str,
) -> Markup:
    labels = shorten_all([printable(layer.name) for layer in layers], _LABEL_CHARACTERS)
    with style():
        from matplotlib.figure import Figure

        canvas = Figure(figsize=(5.6, 3.7))
        axes = canvas.add_axes((0.13, 0.14, 0.84, 0.83))
        line = draw(axes)
        axes.tick_params(axis="y", labelcolor=role("muted"))
        most = max((layer.cost.cycles for layer in layers), default=1)
        # The largest first, so that small points are not under them.
        order = sorted(range(len(layers)), key=lambda index: -layers[index].cost.cycles)
        for index in order:
            layer = layers[index]
            axes.plot(
                *points[index],
                marker="o",
                linestyle="",
                gid=f"point{index}",
                alpha=0.8,
                markeredgewidth=0,
                color=role(BOUND_ROLES[layer.cost.bound]),
                clip_on=False,
                markersize=4 + 7 * (layer.cost.cycles / max(most, 1)) ** 0.5,
            )
        _label(axes, points, line, labels, order)
        names = [*labels, *tips]
        return to_svg(
            canvas, names, prefix, description, {f"point{index}": len(labels) + index for index in range(len(labels))}
        )


def _label(axes: Axes, points: _Points, line: _Points, labels: Sequence[str], order: Sequence[int]) -> None:
    """Names beside the layers with the most cycles, as far as they find room between points, line and other names."""
    spots = [_spot(axes, point) for point in points]
    obstacles = spots + [_spot(axes, point) for point in line]
    taken: list[_Box] = []
    scale = axes.figure.dpi / 72
    for index in order[:_LABELS]:
        x, y = spots[index]
        wide = 5.2 * len(labels[index])
        for side, dy in ((1, 0), (-1, 0), (1, 11), (1, -11), (-1, 11), (-1, -11), (1, -20), (-1, -20)):
            left = x + (8 if side > 0 else -8 - wide) * scale
            box = (left - 4 * scale, y + (dy - 5) * scale, left + (wide + 4) * scale, y + (dy + 5) * scale)
            if _is_free(box, axes, obstacles, taken):
                taken.append(box)
                axes.annotate(
                    token(index),
                    points[index],
                    xytext=(8 * side, dy),
                    textcoords="offset points",
                    fontsize=9,
                    ha="left" if side > 0 else "right",
                    va="center",
                )
                break


def _spot(axes: Axes, point: Sequence[float]) -> tuple[float, float]:
    x, y = axes.transData.transform(point)
    return float(x), float(y)


def _is_free(box: _Box, axes: Axes, spots: _Points, taken: Sequence[_Box]) -> bool:
    left, bottom, right, top = box
    frame = axes.bbox
    return (
        frame.x0 <= left
        and right <= frame.x1
        and frame.y0 <= bottom
        and top <= frame.y1
        and not any(left < x < right and bottom < y < top for x, y in spots)
        and not any(left < other[2] and other[0] < right and bottom < other[3] and other[1] < top for other in taken)
    )


def _bounds(layers: Sequence[LayerEstimate]) -> tuple[tuple[str, str], ...]:
    seen = {layer.cost.bound for layer in layers}
    return tuple((colour, f"bound by {bound}") for bound, colour in BOUND_ROLES.items() if bound in seen)


def _range(values: Sequence[float]) -> tuple[float, float]:
    """A range on a logarithmic axis around the values, with some room."""
    if not values:
        return 0.1, 10.0
    return float(10 ** (log10(min(values)) - 0.35)), float(10 ** (log10(max(values)) + 0.35))


def _log_ticks(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(10))
        axis.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:,g}"))
        axis.set_minor_formatter(NullFormatter())
    axes.tick_params(which="minor", length=0)
    axes.grid()
