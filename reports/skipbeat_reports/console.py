"""Tables and text for terminals: with lines and weight on a TTY, plain columns in a pipe or a file."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

#: Wide enough that no cell of a file or pipe is ever cut.
_PLAIN_WIDTH = 1000
#: Characters below which no column of text is folded.
_LEAST_TEXT = 12
#: Characters that stand between two columns, and at both edges of a table together.
_BETWEEN, _EDGES = 2, 2


def make_console(file: TextIO | None) -> Console:
    """A console on `file` (standard output) that takes text as it is; wide unless it is a terminal."""
    from rich.console import Console

    console = Console(file=file or sys.stdout, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _PLAIN_WIDTH
    return console


def print_table(
    console: Console,
    titles: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    texts: Collection[int] = (0,),
    footer: Sequence[str] | None = None,
) -> None:
    """Print a table whose numbers are whole at every width, unless one of them alone is wider than the terminal.

    Columns of text fold. Where that is not enough, the columns that have no room follow in a table below, which begins
    with the first column again.

    Args:
        titles: of the columns.
        rows: cells of each row, neither markup nor commands.
        texts: the columns that are text and stand left; all others are numbers and stand right.
        footer: cells of a last row, set apart.
    """
    from rich.cells import cell_len

    lines = [titles, *rows, *([footer] if footer else [])]
    natural = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    least = [min(width, _LEAST_TEXT) if index in texts else width for index, width in enumerate(natural)]
    for columns in _parts(least, console.width):
        table = _empty_table(console.is_terminal, footed=footer is not None)
        room = console.width - _EDGES - _BETWEEN * (len(columns) - 1)
        widths = _shares([natural[i] for i in columns], [least[i] for i in columns], room)
        for index, width in zip(columns, widths, strict=True):
            _add_column(table, titles[index], footer[index] if footer else "", width, left=index in texts)
        for row in rows:
            table.add_row(*(_text(row[index]) for index in columns))
        console.print(table, crop=False)


def _parts(least: Sequence[int], width: int) -> Iterator[list[int]]:
    """The columns of each table, the first column in all of them; at least one other is in each."""
    part = [0]
    for index in range(1, len(least)):
        taken = sum(least[i] + _BETWEEN for i in (*part, index)) - _BETWEEN + _EDGES
        if len(part) > 1 and taken > width:
            yield part
            part = [0]
        part.append(index)
    yield part


def _shares(natural: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """What each column gets of the room: what is short of `natural` is taken from the widest that can give."""
    widths = list(natural)
    while sum(widths) > room:
        givers = [index for index, width in enumerate(widths) if width > least[index]]
        if not givers:  # nothing more can be given: the first column ends up narrower than is nice
            widths[0] = max(1, room - sum(widths[1:]))
            break
        widths[max(givers, key=lambda index: widths[index])] -= 1
    return widths


def _empty_table(on_terminal: bool, *, footed: bool) -> Table:
    from rich import box
    from rich.table import Table

    style = box.SIMPLE_HEAD if on_terminal else None
    table = Table(box=style, show_footer=footed, pad_edge=False, collapse_padding=True)
    table.padding = (0, 1) if on_terminal else (0, 2, 0, 0)
    return table


def _add_column(table: Table, title: str, footer: str, width: int, *, left: bool) -> None:
    weight = "bold" if table.box else ""
    table.add_column(
        _text(title),
        footer=_text(footer, weight),
        header_style=weight,
        overflow="fold",
        justify="left" if left else "right",
        width=width,
    )


def _text(cell: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(cell, style=style)
