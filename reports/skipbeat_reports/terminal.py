"""The demo's per-layer table for terminals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from .console import add_row, make_console, make_table
from .layer import LayerSummary
from .numbers import count, percent, printable, ratio

if TYPE_CHECKING:
    from rich.table import Table

#: Terminals narrower than this do without the layers' shapes.
_SHAPE_WIDTH = 100


def print_layers(layers: Sequence[LayerSummary], file: TextIO | None = None) -> None:
    """Print the layers and their total to `file` (standard output). Nothing but text is written unless it is a TTY."""
    console = make_console(file)
    plain = not console.is_terminal
    console.print(layer_table(layers, plain=plain, shapes=console.width >= _SHAPE_WIDTH), crop=False)


def layer_table(layers: Sequence[LayerSummary], *, plain: bool = False, shapes: bool = True) -> Table:
    """One row per layer and a total; `plain` leaves lines and styles out, `shapes` False the layers' sizes."""
    kept = [index for index, title in enumerate(_TITLES) if shapes or title != "shape"]
    total = _total(layers)
    table = make_table(
        [_TITLES[index] for index in kept],
        text_columns=_TEXT_COLUMNS - (not shapes),
        plain=plain,
        footer=[total[index] for index in kept],
    )
    for layer in layers:
        cells = _cells(layer)
        add_row(table, [cells[index] for index in kept])
    return table


_TITLES = ("layer", "shape", "pattern", "dense cycles", "cycles", "limit", "speed-up", "utilisation")
_TEXT_COLUMNS = 3


def _cells(layer: LayerSummary) -> tuple[str, ...]:
    return (
        printable(layer.name),
        printable(layer.shape),
        printable(layer.pattern),
        count(layer.cycles_dense),
        count(layer.cycles),
        count(layer.cycles_limit),
        ratio(layer.speedup),
        percent(layer.utilization),
    )


def _total(layers: Sequence[LayerSummary]) -> tuple[str, ...]:
    dense, cycles = sum(layer.cycles_dense for layer in layers), sum(layer.cycles for layer in layers)
    busy = sum(layer.utilization * layer.cycles for layer in layers)
    return (
        "total",
        "",
        "",
        count(dense),
        count(cycles),
        count(sum(layer.cycles_limit for layer in layers)),
        ratio(dense / cycles if cycles else None),
        percent(busy / cycles if cycles else 0.0),
    )
