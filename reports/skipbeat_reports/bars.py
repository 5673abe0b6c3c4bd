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


def figure(names: Sequence[str], draw: Callable[[Axes, range], None], prefix: str, description: str) -> Markup:
    """A figure with a row for each name, first on top; `draw` gets the axes and the rows.

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
        rows = range(len(names))
        draw(axes, rows)
        axes.set_yticks(rows, [token(row) for row in rows])
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.tick_params(axis="y", pad=6, labelsize=8.5 if narrow else 10)
        if narrow:
            # The reader begins at the top of a long figure, so the scale stands there.
            axes.xaxis.tick_top()
            axes.xaxis.set_label_position("top")
        return to_svg(canvas, shown, prefix, description)


def stack(axes: Axes, row: int, parts: Sequence[float], roles: Sequence[str], *, thick: float = 0.44) -> None:
    """Parts of one bar, from the left, each in the colour of its role."""
    start = 0.0
    for part, name in zip(parts, roles, strict=True):
        if part:
            axes.barh(row, part, left=start, height=thick, color=role(name))
        start += part


def value(axes: Axes, x: float, row: int, text: str) -> None:
    """Text at the right end of a bar."""
    axes.annotate(text, (x, row), xytext=(6, 0), textcoords="offset points", va="center", fontsize=_VALUE_SIZE)


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
