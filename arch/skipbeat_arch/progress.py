"""How far long work is, told from the depth of it without handing anything down: which layer, and what share is done.

Work has parts, and parts have parts. Whoever shows progress is told in the context (`told`); where nobody is, telling
costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")

#: Takes the share of the work that is done, 0..1, and what is worked at.
Tell = Callable[[float, str], None]


class _Work:
    """The part that is under way: from `low` to `high` of the whole."""

    def __init__(self, tell: Tell) -> None:
        self._tell, self.low, self.high, self.name = tell, 0.0, 1.0, ""

    def enter(self, low: float, high: float, name: str | None = None) -> None:
        self.low, self.high, self.name = low, high, self.name if name is None else name
        self._tell(low, self.name)


_work: ContextVar[_Work | None] = ContextVar("work", default=None)


@contextmanager
def told(tell: Tell) -> Iterator[None]:
    """Work inside tells how far it is."""
    token = _work.set(_Work(tell))
    try:
        yield
    finally:
        _work.reset(token)


def through(
    items: Iterable[T], name: Callable[[T], str] | None = None, weight: Callable[[T], float] = lambda _: 1.0
) -> Iterator[T]:
    """Pass items on; what is done with each is a part of the work, as large as its weight among theirs."""
    work = _work.get()
    if work is None:
        yield from items
        return
    listed = list(items)
    weights = [weight(item) for item in listed]
    at, high = work.low, work.high
    scale = (high - at) / (sum(weights) or 1.0)
    for item, each in zip(listed, weights, strict=True):
        work.enter(at, at + scale * each, None if name is None else name(item))
        yield item
        at += scale * each
    work.enter(high, high)


@contextmanager
def part(share: float, name: str | None = None) -> Iterator[None]:
    """What is done inside is this share, 0..1, of what is left of the work around it; it may have a name."""
    work = _work.get()
    if work is None:
        yield
        return
    low, high = work.low, work.high
    end = low + share * (high - low)
    work.enter(low, end, name)
    yield
    work.enter(end, high)


def meter() -> Callable[[float], None]:
    """For loops that are too tight for `through`: takes the share, 0..1, of the work from here on that is done."""
    work = _work.get()
    if work is None:
        return lambda _: None
    low, high = work.low, work.high
    return lambda share: work.enter(low + share * (high - low), high)
