"""A study from its file to its result: what is asked, who prices it, and what there is when it ends or is ended."""

from __future__ import annotations

from collections.abc import Iterator

from skipbeat_reports.swept import StudyPoint, StudyResult

from ..progress import track
from ..results import provenance
from .pricing import Priced
from .searching import Search
from .study_file import OBJECTIVES, StudyFile
from .workers import Workers, workers


def run_study(study: StudyFile, search: Search, jobs: int, scheduler: str | None) -> None:
    """Price what is left of a study. Whatever ends it, what is priced is kept, and the rest can be asked again.

    Raises:
        InputError: workers that there are not.
    """
    left = search.wanted - search.ended
    if not left:
        return
    try:
        with workers(jobs, scheduler) as those:
            for _ in track(_answers(search, those), left, study.name, _line):
                pass
    finally:
        search.abandon()


def _answers(search: Search, those: Workers) -> Iterator[Priced]:
    under_way = 0
    while True:
        while under_way < those.places and (given := search.ask()) is not None:
            if isinstance(given, Priced):
                yield given
            else:
                those.give(given)
                under_way += 1
        if not under_way:
            return
        found = those.take()
        under_way -= 1
        search.tell(found)
        yield found


def _line(found: Priced) -> str:
    if found.refused is not None:
        return f"refused: {found.refused}"
    return ", ".join(f"{value:,g}" for value in found.values)


def result_of(study: StudyFile, search: Search) -> StudyResult:
    """What is known of a study now."""
    return StudyResult(
        name=study.name,
        objectives=tuple(study.objectives),
        larger=tuple(OBJECTIVES[name] for name in study.objectives),
        points=tuple(
            StudyPoint(
                choice=choice,
                refused=priced.refused,
                values=priced.values,
                facts=priced.facts,
                layers=priced.layers,
                provenance=priced.provenance,
            )
            for choice, priced in search.rows()
        ),
        wanted=search.wanted,
        ended=search.ended,
        study=study.model_dump(mode="json", by_alias=True),
        provenance=provenance(seed=study.search.seed),
    )
