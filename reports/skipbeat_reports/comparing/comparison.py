"""Estimates side by side, layer by layer: each against the first one, with where the difference comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..schemas.estimated import EstimateResult, LayerRecord
from ..table_file import Cell, flat

#: What is compared of a provenance; the command says what these say, and more.
_FACTS = ("version", "seed", "scheme", "source")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A result with the name that it has in the comparison."""

    label: str
    result: EstimateResult

    def layer(self, name: str) -> LayerRecord | None:
        """The layer of that name, if it has one."""
        return next((layer for layer in self.result.layers if layer.name == name), None)


@dataclass(frozen=True, kw_only=True)
class Change:
    """A layer in a result, against the first result; None: one of them has no such layer.

    Attributes:
        cycles, was: in this result, and in the first.
        causes: clocks more by what the array did; they add up to `difference`.
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
    names = tuple(dict.fromkeys(layer.name for entry in entries for layer in entry.result.layers))
    return Comparison(
        entries=tuple(entries),
        names=names,
        changes=tuple(tuple(_change(name, first, other) for name in names) for other in others),
        settings=tuple(tuple(_settings(first.result, other.result)) for other in others),
    )


def _change(name: str, first: Entry, other: Entry) -> Change:
    was, now = first.layer(name), other.layer(name)
    causes = {} if was is None else {cause: -clocks for cause, clocks in was.clocks.items()}
    for cause, clocks in ({} if now is None else now.clocks).items():
        causes[cause] = causes.get(cause, 0) + clocks
    facts = [] if was is None or now is None else _facts(was, now)
    return Change(
        layer=name,
        label=other.label,
        cycles=now.cycles if now else None,
        was=was.cycles if was else None,
        causes=causes,
        read=(now.dram_read_bytes if now else 0) - (was.dram_read_bytes if was else 0),
        written=(now.dram_written_bytes if now else 0) - (was.dram_written_bytes if was else 0),
        energy_pj=(now.energy_pj if now else 0.0) - (was.energy_pj if was else 0.0),
        facts=tuple(facts),
    )


def _facts(was: LayerRecord, now: LayerRecord) -> list[tuple[str, str, str]]:
    found = [(what, str(getattr(was, what)), str(getattr(now, what))) for what in ("shape", "pattern", "bound")]
    return [(what, before, after) for what, before, after in found if before != after]


def _settings(was: EstimateResult, now: EstimateResult) -> Iterator[tuple[str, str, str]]:
    before, after = _made_with(was), _made_with(now)
    for key in dict.fromkeys((*before, *after)):
        if before.get(key) != after.get(key):
            yield key, _text(before.get(key)), _text(after.get(key))


def _made_with(result: EstimateResult) -> dict[str, Cell]:
    own: dict[str, Any] = {"clock_source": result.clock_source, "batch": result.batch, "table": result.energy_table}
    made = result.provenance
    if made is None:
        return flat({"hardware": {"name": result.hardware, "clock_mhz": result.clock_mhz}, **own})
    facts = made.model_dump(mode="json", include=set(_FACTS))
    described = {} if made.hardware is None else made.hardware.description.model_dump(mode="json")
    return flat({"hardware": described, **own, **facts})


def _text(value: Cell) -> str:
    return "none" if value is None else str(value)
