"""What the plots of the pages share: one horizontal bar per layer, stacked parts, values at the ends, two axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from .numbers import printable, shorten_all
from .svg import role, style, to_svg, token

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH = 5.6  # inches
_NAME_CHARACTERS = 26
#: Up to so many layers get rows of full height; more get narrow ones.
_FEW = 24
_VALUE_SIZE = 9.5  # points


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A figure for the page. `legend` pairs a role of `svg` with its label; a `tall` one scrolls in its own box."""

    title: str
    caption: str
    legend: tuple[tuple[str, str], ...]
    svg: Markup
    tall: bool = False


def is_tall(count: int) -> bool:
    """Whether so many layers need narrow rows."""
    return count > _FEW


def figure(names: Sequence[str], draw: Callable[[Axes], None], prefix: str, description: str) -> Markup:
    """A figure with a row for each name, first on top; `draw` gets the axes, on which row 0 is the first.

    `prefix` keeps the figure's ids apart from those of others, `description` is read out instead of it.
    """
    shown = shorten_all([printable(name) for name in names], _NAME_CHARACTERS)
    narrow = is_tall(len(names))
    with style():
        from matplotlib.figure import Figure

        height = (0.2 if narrow else 0.36) * len(names) + 0.45
        canvas = Figure(figsize=(_WIDTH, height))
        left = min(0.45, 0.025 + 0.0155 * max(max(map(len, shown)), 4))
        axes = canvas.add_axes((left, (0.02 if narrow else 0.43) / height, 0.86 - left, 1 - 0.45 / height))
        draw(axes)
        axes.set_yticks([])
        axes.set_ylim(len(names) - 0.5, -0.5)
        _names(axes, len(names), 8.5 if narrow else 10)
        if narrow:
            # The reader begins at the top of a long figure, so the scale stands there.
            axes.xaxis.tick_top()
            axes.xaxis.set_label_position("top")
        return to_svg(canvas, shown, prefix, description)


def _names(axes: Axes, count: int, size: float) -> None:
    """A token at the left end of each row: texts, because an axis with hundreds of ticks takes seconds."""
    from matplotlib.transforms import ScaledTranslation

    place = axes.get_yaxis_transform() + ScaledTranslation(-6 / 72, 0, axes.figure.dpi_scale_trans)
    for row in range(count):
        axes.text(0, row, token(row), transform=place, ha="right", va="center", fontsize=size)


def bars(
    axes: Axes, lengths: Sequence[float], colour: str, thick: float, starts: Sequence[float] | None = None
) -> None:
    """A bar per row in the colour of a role, from zero or from `starts`; rows of length zero get none."""
    # One collection: a patch for each bar takes most of the time of a page with hundreds of layers.
    from matplotlib.collections import PolyCollection

    half = thick / 2
    boxes = [
        [(left, row - half), (left + length, row - half), (left + length, row + half), (left, row + half)]
        for row, (left, length) in enumerate(zip(starts or [0.0] * len(lengths), lengths, strict=True))
        if length
    ]
    axes.add_collection(PolyCollection(boxes, facecolors=role(colour), linewidths=0), autolim=False)


def stacks(axes: Axes, parts: Sequence[Sequence[float]], roles: Sequence[str], thick: float = 0.44) -> None:
    """A bar per row of parts that follow one another from the left, each in the colour of its role."""
    starts = [0.0] * len(parts)
    for index, colour in enumerate(roles):
        lengths = [row[index] for row in parts]
        bars(axes, lengths, colour, thick, starts)
        starts = [start + length for start, length in zip(starts, lengths, strict=True)]


def marks(axes: Axes, at: Sequence[float]) -> None:
    """A limit in each row."""
    rows = range(len(at))
    axes.vlines(at, [row - 0.31 for row in rows], [row + 0.31 for row in rows], color=role("limit"), linewidth=1.6)


def values(axes: Axes, ends: Sequence[float], texts: Sequence[str]) -> None:
    """A text at the right end of the bar of each row."""
    from matplotlib.transforms import ScaledTranslation

    place = axes.transData + ScaledTranslation(6 / 72, 0, axes.figure.dpi_scale_trans)
    for row, (end, text) in enumerate(zip(ends, texts, strict=True)):
        axes.text(end, row, text, transform=place, va="center", fontsize=_VALUE_SIZE)


def count_axis(axes: Axes, most: float, unit: str) -> None:
    """A horizontal axis from zero to `most`."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_xlim(0, most * 1.02)
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,g}" if x < 1e6 else f"{x / 1e6:,g} M"))
    axes.grid(axis="x")
    axes.set_xlabel(unit, fontsize=9.5)


def share_axis(axes: Axes) -> None:
    """A horizontal axis from 0 to 100 %."""
    from matplotlib.ticker import PercentFormatter

    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
