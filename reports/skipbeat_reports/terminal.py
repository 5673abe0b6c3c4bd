"""The per-layer table for terminals: with lines and weight on a TTY, plain columns in a pipe or a file."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from .layer import LayerSummary
from .numbers import count, percent, printable, ratio

if TYPE_CHECKING:
    from rich.table import Table

#: Wide enough that no cell of a file or pipe is ever cut.
_PLAIN_WIDTH = 1000
#: Terminals narrower than this do without the layers' shapes.
_SHAPE_WIDTH = 100


def print_layers(layers: Sequence[LayerSummary], file: TextIO | None = None) -> None:
    """Print the layers and their total to `file` (standard output). Nothing but text is written unless it is a TTY."""
    from rich.console import Console

    console = Console(file=file or sys.stdout, highlight=False, markup=False, emoji=False)
    plain = not console.is_terminal
    if plain:
        console.width = _PLAIN_WIDTH
    console.print(layer_table(layers, plain=plain, shapes=console.width >= _SHAPE_WIDTH), crop=False)


def layer_table(layers: Sequence[LayerSummary], *, plain: bool = False, shapes: bool = True) -> Table:
    """One row per layer and a total; `plain` leaves lines and styles out, `shapes` False the layers' sizes."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None if plain else box.SIMPLE_HEAD, show_footer=True, pad_edge=False, collapse_padding=True)
    table.padding = (0, 2, 0, 0) if plain else (0, 1)
    kept = [index for index, title in enumerate(_TITLES) if shapes or title != "shape"]
    total, weight = _total(layers), "" if plain else "bold"
    for index in kept:
        table.add_column(
            _TITLES[index], footer=Text(total[index], style=weight), header_style=weight, overflow="fold",
            justify="left" if index < _TEXT_COLUMNS else "right", no_wrap=index > 0,
        )  # fmt: skip
    for layer in layers:
        cells = _cells(layer)
        table.add_row(*(Text(cells[index]) for index in kept))
    return table


_TITLES = ("layer", "shape", "pattern", "dense cycles", "cycles", "limit", "speed-up", "utilisation")
_TEXT_COLUMNS = 3


def _cells(layer: LayerSummary) -> tuple[str, ...]:
    return (
        printable(layer.name), printable(layer.shape), printable(layer.pattern), count(layer.cycles_dense),
        count(layer.cycles), count(layer.cycles_limit), ratio(layer.speedup), percent(layer.utilization),
    )  # fmt: skip


def _total(layers: Sequence[LayerSummary]) -> tuple[str, ...]:
    dense, cycles = sum(layer.cycles_dense for layer in layers), sum(layer.cycles for layer in layers)
    busy = sum(layer.utilization * layer.cycles for layer in layers)
    return (
        "total", "", "", count(dense), count(cycles), count(sum(layer.cycles_limit for layer in layers)),
        ratio(dense / cycles if cycles else None), percent(busy / cycles if cycles else 0.0),
    )  # fmt: skip
