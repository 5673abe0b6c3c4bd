"""All rows, as text for people and as the table of `docs/validation.md`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from skipbeat_arch.errors import InputError

from .resnet18 import scale_sim_rows, zigzag_row
from .row import Row
from .tensor_core import sparseloop_rows

BEGIN, END = "<!-- skipbeat validate: begin -->", "<!-- skipbeat validate: end -->"
_HEAD = (
    "tool",
    "case",
    "published",
    "its formula here",
    "skipbeat core",
    "skipbeat machine",
    "ours / theirs",
    "speed-up",
    "hardware",
)


def validation_rows() -> tuple[Row, ...]:
    """Every published number, priced again here."""
    return (*scale_sim_rows(), zigzag_row(), *sparseloop_rows())


def lines(rows: Iterable[Row]) -> list[str]:
    """The rows for a terminal: three lines and an explanation each."""
    text = []
    for row in rows:
        _, _, published, formula, core, machine, ratio, speedup, hardware = _cells(row)
        text.append(f"{row.tool}: {row.case}")
        text.append(f"  published {published}, its formula {formula}; here {ratio} of it, speed-up {speedup}")
        text.append(f"  core {core}, machine with its memory {machine}, on {hardware}")
        text.append(f"  {_sentence(row)}")
    return text


def markdown(rows: Sequence[Row]) -> str:
    """The table and, numbered as its rows are, the explanations."""
    head = f"| | {' | '.join(_HEAD)} |\n|{'---|' * (len(_HEAD) + 1)}\n"
    body = "".join(f"| {number} | {' | '.join(_cells(row))} |\n" for number, row in enumerate(rows, 1))
    notes = "".join(f"{number}. {_sentence(row)}\n" for number, row in enumerate(rows, 1))
    return f"{head}{body}\nWhere each difference comes from:\n\n{notes}"


def replace_table(page: str, rows: Sequence[Row], where: str) -> str:
    """A page with the table between its markers replaced.

    Raises:
        InputError: the page does not have each marker once, in order.
    """
    start, stop = page.find(BEGIN), page.find(END)
    if page.count(BEGIN) != 1 or page.count(END) != 1 or stop < start:
        raise InputError(f"{where}: expected the lines {BEGIN} and {END} once each, in this order")
    return f"{page[: start + len(BEGIN)]}\n\n{markdown(rows)}\n{page[stop:]}"


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.tool,
        row.case,
        f"{row.published:,}",
        _count(row.formula),
        _count(row.core),
        _count(row.machine),
        _number(row.ratio),
        f"{_number(row.speedup_published)} there, {_number(row.speedup_core)} here" if row.dense_published else "–",
        row.hardware,
    )


def _sentence(row: Row) -> str:
    return f"{row.explanation[0].upper()}{row.explanation[1:]}."


def _count(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}×"
