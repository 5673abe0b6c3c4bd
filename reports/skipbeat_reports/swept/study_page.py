"""The page of a study: every point in the plane of two objectives, to filter, to point at and to open."""

from __future__ import annotations

from typing import Any

from ..environment import environment
from .study_result import StudyPoint, StudyResult, area_note, to_rows

#: Points whose layers are on the page: those of the front first.
MOST_REPORTS = 400
#: Beside the objectives, in the table of the front.
_FACTS = ("speedup", "utilization", "latency_ms", "clock_source")


def render_study(result: StudyResult) -> str:
    """The page as text; its script shows what is in it and fetches nothing."""
    best = result.on_front
    order = sorted(range(len(best)), key=lambda place: not best[place])
    reported = set(order[:MOST_REPORTS])
    rows = [row for row in to_rows(result) if row["refused"] is None]
    points = [
        {"row": row, "front": best[place], "layers": _layers(point) if place in reported else None}
        for place, (row, point) in enumerate(zip(rows, result.priced, strict=True))
    ]
    choices = _choices(result)
    data = {"points": points, "objectives": result.objectives, "larger": result.larger, "choices": choices}
    template = environment().get_template("study.html.j2")
    return template.render(
        result=result,
        data=data,
        names=list(dict.fromkeys([*choices, *result.objectives, *_FACTS])),
        best=[row for row, on in zip(rows, best, strict=True) if on],
        refused=[point for point in result.points if point.refused is not None],
        made=result.provenance.to_json(),
        notes=_notes(result),
    )


def _layers(point: StudyPoint) -> list[dict[str, Any]]:
    return [dict(layer) for layer in point.layers]


def _choices(result: StudyResult) -> dict[str, list[Any]]:
    """Parameters with more than one value, to filter by."""
    names = dict.fromkeys(name for point in result.points for name in point.choice)
    found = {name: list(dict.fromkeys(point.choice.get(name) for point in result.points)) for name in names}
    return {name: values for name, values in found.items() if len(values) > 1}


def _notes(result: StudyResult) -> list[str]:
    assumed = sum(point.facts.get("clock_source") == "assumed" for point in result.priced)
    notes = ["a front is of one model: clocks of different models are not compared"]
    if assumed and "seconds" in result.objectives:
        notes.append(
            f"the clock frequency of {assumed} of {len(result.priced)} points is assumed, and so are their seconds"
        )
    if "kept" in result.objectives:
        notes.append("kept is the share of the weights' magnitude that stays: a proxy of accuracy, and not one")
    if (area := area_note(result)) is not None:
        notes.append(area)
    return notes
