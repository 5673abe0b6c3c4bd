"""Progress of long work, on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from skipbeat_arch.progress import Tell, told

if TYPE_CHECKING:
    from rich.progress import Progress

T = TypeVar("T")

#: Between two lines, where there is no terminal for a bar.
SECONDS = 5.0
#: Work that is done before its pace says anything.
_ENOUGH = 0.02


def step(message: str) -> None:
    """Say what begins now: in one piece, so that an interruption never falls between a line and its end."""
    sys.stderr.write(f"skipbeat: {message}\n")
    sys.stderr.flush()


@contextmanager
def working(title: str) -> Iterator[None]:
    """Show how far the work inside is, as it tells by `skipbeat_arch.progress`: layer, share and time left.

    On a terminal that is a bar, elsewhere a line every few seconds.
    """
    if not sys.stderr.isatty():
        with told(_lines(title)):
            yield
        return
    with _bar() as bar:
        task = bar.add_task(title, total=1.0)
        with told(lambda share, name: bar.update(task, completed=share, description=f"{title} {name}".rstrip())):
            yield


def track(items: Iterable[T], total: int, title: str, line: Callable[[T], str]) -> Iterator[T]:
    """Pass `items` on: with a bar on a terminal, elsewhere with `line(item)` after each has been used.

    The work behind each tells of itself as in `working`.
    """
    if not sys.stderr.isatty():
        step(f"{title}: {total} to do")
        begin = monotonic()
        for number, item in enumerate(_told(items, lambda: _lines(title)), 1):
            yield item
            step(f"{number}/{total}{_remaining(monotonic() - begin, number / total)} {line(item)}")
        return
    with _bar() as bar:
        task = bar.add_task(title, total=total)
        done = 0

        def tell_of_one() -> Tell:
            return lambda share, name: bar.update(task, completed=done + share, description=f"{title} {name}".rstrip())

        for item in _told(items, tell_of_one):
            yield item
            done += 1
            bar.update(task, completed=done)


def _told(items: Iterable[T], tell: Callable[[], Tell]) -> Iterator[T]:
    """Each item is worked out while it is told."""
    coming = iter(items)
    while True:
        with told(tell()):
            try:
                item = next(coming)
            except StopIteration:
                return
        yield item


def _lines(title: str) -> Tell:
    begin = last = monotonic()

    def tell(share: float, name: str) -> None:
        nonlocal last
        if (now := monotonic()) - last >= SECONDS and share < 1:
            last = now
            step(f"{title} {name}: {share:.0%}{_remaining(now - begin, share)}")

    return tell


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _remaining(spent: float, share: float) -> str:
    """How long the rest will take, if it takes long, at the pace so far."""
    if share < _ENOUGH:
        return ""
    left = spent / share - spent
    return f" ({left / 60:.0f} min left)" if left >= 60 else f" ({left:.0f} s left)" if left >= 5 else ""
