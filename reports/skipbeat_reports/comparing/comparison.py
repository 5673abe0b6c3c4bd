"""Estimates side by side, layer by layer: each against the first one, with where the difference comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..table_file import Cell
from .entries import Entry


@dataclass(frozen=True, kw_only=True)
class Change:
    """A layer in a result, against the first result; None: one of them has no such layer.

    Attributes:
        cycles, was: in this result, and in the first.
        causes: clocks more by what the array did; they add up to `difference`, or are not known.
        read, written: bytes more over the memory bus.
        facts: (what, before, now) of pattern, bound and shape, where they differ.
    """

    layer: str
    label: str
    cycles: int | None
    was: int | None
    causes: Mapping[str, int]
    read: int
    written: int
    energy_pj: float
    facts: tuple[tuple[str, str, str], ...]

    @property
    def difference(self) -> int:
        """Clocks more than in the first result; a layer that is missing takes none."""
        return (self.cycles or 0) - (self.was or 0)

    @property
    def ratio(self) -> float | None:
        """How many times quicker than in the first result; None where that says nothing."""
        return self.was / self.cycles if self.was is not None and self.cycles else None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two or more results.

    Attributes:
        names: of all layers, in the order of the first result, and then of the others.
        changes: for each further result those of all layers, in that order.
        settings: for each further result (what, before, now) of what it was made with, where that differs.
    """

    entries: tuple[Entry, ...]
    names: tuple[str, ...]
    changes: tuple[tuple[Change, ...], ...]
    settings: tuple[tuple[tuple[str, str, str], ...], ...]


def compare(entries: Sequence[Entry]) -> Comparison:
    """Every result against the first."""
    first, *others = entries
    names = tuple(dict.fromkeys(layer.name for entry in entries for layer in entry.rows))
    return Comparison(
        entries=tuple(entries),
        names=names,
        changes=tuple(tuple(_change(name, first, other) for name in names) for other in others),
        settings=tuple(tuple(_settings(first, other)) for other in others),
    )


def _change(name: str, first: Entry, other: Entry) -> Change:
    was, now = first.row(name), other.row(name)
    causes = {} if was is None else {cause: -clocks for cause, clocks in was.clocks.items()}
    for cause, clocks in ({} if now is None else now.clocks).items():
        causes[cause] = causes.get(cause, 0) + clocks
    both = (
        [] if was is None or now is None else [(what, was.facts[what], now.facts.get(what, "")) for what in was.facts]
    )
    return Change(
        layer=name,
        label=other.label,
        cycles=now.cycles if now else None,
        was=was.cycles if was else None,
        causes=causes,
        read=(now.read if now else 0) - (was.read if was else 0),
        written=(now.written if now else 0) - (was.written if was else 0),
        energy_pj=(now.energy_pj if now else 0.0) - (was.energy_pj if was else 0.0),
        facts=tuple((what, before, after) for what, before, after in both if before != after),
    )


def _settings(was: Entry, now: Entry) -> Iterator[tuple[str, str, str]]:
    for key in dict.fromkeys((*was.settings, *now.settings)):
        before, after = was.settings.get(key), now.settings.get(key)
        if before != after:
            yield key, _text(before), _text(after)


def _text(value: Cell) -> str:
    return "none" if value is None else str(value)
