"""The Pareto front, and the page of a study: nothing of it is fetched, and names in it do nothing."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape
from itertools import product
from pathlib import Path

import pytest

from skipbeat_arch.provenance import Provenance
from skipbeat_reports.swept import StudyPoint, StudyResult, front, render_study, to_body, to_rows
from tests.reports.browser import CHROMIUM, Browser, with_script
from tests.reports.estimate.estimates import HOSTILE


def point(model: str, rows: int, clocks: float, kept: float) -> StudyPoint:
    layers = ({"name": "conv\x00</script>", "cycles": int(clocks)},)
    return StudyPoint(
        choice={"model": model, "array.rows": rows},
        refused=None,
        values=(clocks, kept),
        facts={"speedup": 1.5, "clock_source": "assumed"},
        layers=layers,
    )


RESULT = StudyResult(
    name="made up",
    objectives=("clocks", "kept"),
    larger=(False, True),
    points=(
        point("a", 4, 100, 0.5),
        point("a", 8, 90, 0.5),
        StudyPoint(choice={"model": "a", "array.rows": 3}, refused=HOSTILE),
        point(HOSTILE, 4, 120, 0.9),
        point("a", 16, 120, 0.9),
    ),
    wanted=9,
    ended=5,
    study={"name": "made up"},
    provenance=Provenance(version="1"),
)


def test_the_front_is_what_nothing_beats() -> None:
    values = list(product(range(3), range(3), (0, 1)))
    for larger in product((False, True), repeat=3):
        found = front(values, larger)
        best = tuple(
            max(each) if more else min(each) for each, more in zip(zip(*values, strict=True), larger, strict=True)
        )
        assert [value for value, on in zip(values, found, strict=True) if on] == [best]
    assert front([(1, 2), (2, 1), (1, 2), (2, 2)], (False, False)) == [True, True, True, False]
    assert front([], (True,)) == []


def test_a_front_is_of_one_model() -> None:
    assert RESULT.on_front == [False, True, True, True]
    rows = to_rows(RESULT)
    assert [row["front"] for row in rows] == [False, True, None, True, True]
    assert [row["refused"] for row in rows] == [None, None, HOSTILE, None, None]
    assert to_body(RESULT)["objectives"][1] == {"name": "kept", "larger_is_better": True}


def test_the_page_holds_its_points_and_fetches_nothing() -> None:
    page = render_study(RESULT)
    (data,) = re.findall(r'<script type="application/json" id="study-data">(.*?)</script>', page, re.DOTALL)
    points = json.loads(unescape(data))["points"]
    assert [each["front"] for each in points] == RESULT.on_front
    assert "<script>alert" not in page
    assert not re.findall(r"<\w[^>]*\s(?:src|href)\s*=\s*[\"']?(?!data:|#)\w+:", page)
    assert "assumed" in page
    assert render_study(replace(RESULT, points=()))


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="needs Chromium")
def test_a_click_opens_the_report_of_a_point(tmp_path: Path) -> None:
    click = 'document.querySelector("circle.front").dispatchEvent(new Event("click"))'
    dom, complaints = Browser(tmp_path).run(with_script(render_study(RESULT), click), "--dump-dom")
    assert complaints == []
    assert dom.count("<circle") == 4
    report = dom[dom.index('id="report"') :]
    assert "On the front" in report
    assert "Layers" in report
