"""Progress of long work, on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def step(message: str) -> None:
    """Say what begins now."""
    print(f"skipbeat: {message}", file=sys.stderr, flush=True)


def track(items: Iterable[T], total: int, title: str, line: Callable[[T], str]) -> Iterator[T]:
    """Pass `items` on: with a bar on a terminal, elsewhere with `line(item)` after each has been used."""
    if not sys.stderr.isatty():
        step(f"{title}: {total} to do")
        for number, item in enumerate(items, 1):
            yield item
            step(f"{number}/{total} {line(item)}")
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(title, total=total)
        for item in items:
            yield item
            progress.advance(task)
