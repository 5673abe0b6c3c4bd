"""A study's points with what came of them, as rows of a table and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from skipbeat_arch.area_model import DEVICE, RESOURCES, area_fits
from skipbeat_arch.provenance import Provenance

from .front import front


@dataclass(frozen=True, kw_only=True)
class StudyPoint:
    """A choice of the parameters, and what came of it.

    Attributes:
        refused: why it has no price; None if it has one.
        values: of the objectives, in their order. facts: more of its price, by name. layers: rows of its report.
        provenance: of the price, as JSON has it.
    """

    choice: Mapping[str, Any]
    refused: str | None
    values: tuple[float, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    layers: tuple[Mapping[str, Any], ...] = ()
    provenance: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class StudyResult:
    """A study as far as it came.

    Attributes:
        objectives: names. larger: for each, whether more of it is better.
        wanted: trials in all. ended: of which so many have ended.
        study: what its file says, as JSON has it.
    """

    name: str
    objectives: tuple[str, ...]
    larger: tuple[bool, ...]
    points: tuple[StudyPoint, ...]
    wanted: int
    ended: int
    study: Mapping[str, Any]
    provenance: Provenance

    @property
    def priced(self) -> tuple[StudyPoint, ...]:
        """Those that have a price."""
        return tuple(point for point in self.points if point.refused is None)

    @property
    def on_front(self) -> list[bool]:
        """For each priced point whether it is on the front of its model."""
        points = self.priced
        found = [False] * len(points)
        for model in dict.fromkeys(point.choice["model"] for point in points):
            own = [place for place, point in enumerate(points) if point.choice["model"] == model]
            for place, best in zip(own, front([points[p].values for p in own], self.larger), strict=True):
                found[place] = best
        return found


def area_model(objectives: Sequence[str]) -> dict[str, Any] | None:
    """The model of the area, with the errors that it has where one machine is left out; None if nobody asks for it."""
    if set(RESOURCES).isdisjoint(objectives):
        return None
    fits = {name: asdict(found) for name, found in area_fits().items()}
    return {"device": DEVICE, "resources": fits}


def area_note(result: StudyResult) -> str | None:
    """How good the areas are that were not measured; None if there are none."""
    fitted = sum(point.facts.get("area_source") == "fitted" for point in result.priced)
    if not fitted:
        return None
    errors = [
        f"{name} {found.error:.1%} (at most {found.worst:.1%})"
        for name, found in area_fits().items()
        if name in result.objectives
    ]
    return (
        f"the area of {fitted} of {len(result.priced)} points is of a model that is fitted to recorded syntheses for "
        f"{DEVICE}; its error on each of these, left out of the fit: {', '.join(errors)}"
    )


def to_rows(result: StudyResult) -> list[dict[str, Any]]:
    """A row for each point: its choice, the objectives, whether it is on the front, more facts, and why not."""
    best = iter(result.on_front)
    rows = []
    for point in result.points:
        priced = point.refused is None
        values: Sequence[float | None] = point.values if priced else [None] * len(result.objectives)
        row = {**point.choice, **dict(zip(result.objectives, values, strict=True))}
        row["front"] = next(best) if priced else None
        row |= {name: value for name, value in point.facts.items() if name not in row}
        rows.append(row | {"refused": point.refused})
    return rows


def to_body(result: StudyResult) -> dict[str, Any]:
    """What `skipbeat schema sweep` describes."""
    return {
        "name": result.name,
        "study": dict(result.study),
        "objectives": [
            {"name": name, "larger_is_better": larger}
            for name, larger in zip(result.objectives, result.larger, strict=True)
        ],
        "wanted": result.wanted,
        "ended": result.ended,
        "area_model": area_model(result.objectives),
        "points": to_rows(result),
    }
