"""Tables and text for terminals: with lines and weight on a TTY, plain columns in a pipe or a file."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

#: Wide enough that no cell of a file or pipe is ever cut.
_PLAIN_WIDTH = 1000


def make_console(file: TextIO | None) -> Console:
    """A console on `file` (standard output) that takes text as it is; wide unless it is a terminal."""
    from rich.console import Console

    console = Console(file=file or sys.stdout, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _PLAIN_WIDTH
    return console


def make_table(
    titles: Sequence[str], *, text_columns: int, footer: Sequence[str] | None = None, plain: bool = False
) -> Table:
    """An empty table; the first `text_columns` stand left, numbers right; only the first folds."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=None if plain else box.SIMPLE_HEAD, show_footer=footer is not None, pad_edge=False, collapse_padding=True
    )
    table.padding = (0, 2, 0, 0) if plain else (0, 1)
    weight = "" if plain else "bold"
    for index, title in enumerate(titles):
        table.add_column(
            title,
            footer=Text(footer[index], style=weight) if footer else "",
            header_style=weight,
            overflow="fold",
            justify="left" if index < text_columns else "right",
            no_wrap=index > 0,
        )
    return table


def add_row(table: Table, cells: Sequence[str]) -> None:
    """Add a row of text that is neither markup nor commands."""
    from rich.text import Text

    table.add_row(*(Text(cell) for cell in cells))
