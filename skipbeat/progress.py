"""Progress of long work, on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from time import monotonic
from typing import TypeVar

T = TypeVar("T")


def step(message: str) -> None:
    """Say what begins now."""
    print(f"skipbeat: {message}", file=sys.stderr, flush=True)


def track(items: Iterable[T], total: int, title: str, line: Callable[[T], str]) -> Iterator[T]:
    """Pass `items` on: with a bar on a terminal, elsewhere with `line(item)` after each has been used."""
    if not sys.stderr.isatty():
        step(f"{title}: {total} to do")
        begin = monotonic()
        for number, item in enumerate(items, 1):
            yield item
            step(f"{number}/{total}{_remaining(monotonic() - begin, number, total)} {line(item)}")
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(title, total=total)
        for item in items:
            yield item
            progress.advance(task)


def _remaining(spent: float, number: int, total: int) -> str:
    """How long the rest will take, if it takes long, at the pace so far."""
    left = spent / number * (total - number)
    return f" ({left / 60:.0f} min left)" if left >= 60 else f" ({left:.0f} s left)" if left >= 5 else ""
