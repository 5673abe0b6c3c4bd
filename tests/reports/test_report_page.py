from __future__ import annotations

import re
from dataclasses import replace

import pytest

from skipbeat_arch.timing import Clocks
from skipbeat_reports.layer import LayerSummary, WeightBits
from skipbeat_reports.page import render_report
from skipbeat_reports.summary import RtlCheck, Summary
from tests.reports.html_tables import Tables, number
from tests.reports.summaries import make_layer, make_rtl, make_summary

HOSTILE = (
    "</script><script>alert(1)</script><img src=http://evil.example/x onerror=alert(2)>"
    "&\"'$x_1$ @@0@@ \x1b\x00{{7*191}}"
)


def with_total(summary: Summary) -> list[LayerSummary | Summary]:
    return [*summary.layers, summary]


def test_layer_table_has_the_numbers_of_the_summary() -> None:
    summary = make_summary()
    _, *rows, total = Tables(render_report(summary)).tables[0]
    assert [row[0] for row in rows] == [layer.name for layer in summary.layers]
    for row, it in zip([*rows, total], with_total(summary), strict=True):
        exact = (it.cycles_dense, it.cycles, it.cycles_limit, it.macs_dense, it.macs)
        assert tuple(number(row[i]) for i in (2, 3, 4, 7, 8)) == exact
        assert it.speedup is not None
        assert number(row[5]) == pytest.approx(it.speedup, abs=0.005)
        assert number(row[6]) == pytest.approx(100 * it.utilization, abs=0.05)
    assert [row[1] for row in rows] == [layer.pattern for layer in summary.layers]


def test_event_table_has_the_counts_of_the_summary() -> None:
    summary = make_summary()
    head, *rows = Tables(render_report(summary)).tables[2]
    assert head[2:] == [layer.name for layer in summary.layers]
    assert len(rows) == len(summary.events.to_json())
    for row, (name, total) in zip(rows, summary.events.to_json().items(), strict=True):
        assert row[0].lower() == name.replace("_", " ")
        parts = [layer.events.to_json()[name] for layer in summary.layers]
        assert [number(cell) for cell in row[1:]] == [total, *parts]


def test_details_table_has_clocks_and_bits() -> None:
    summary = make_summary()
    _, *rows = Tables(render_report(summary)).tables[3]
    for row, it in zip(rows, with_total(summary), strict=True):
        clocks, bits = it.clocks, it.weight_bits
        expected = [clocks.compute, clocks.tile_wait, clocks.hazard, clocks.fill_drain]
        assert [number(cell) for cell in row[1:]] == [*expected, bits.values, bits.metadata, bits.padding]


def headline(summary: Summary) -> str:
    html = render_report(summary)
    found = re.search(r'<p class="check.*?</p>', html, re.DOTALL)
    assert found is not None
    return found[0]


def test_agreement_is_stated_with_its_counts() -> None:
    text = headline(make_summary())
    assert 'class="check good"' in text
    assert "10,554 cycles each over 8 images" in text
    assert "412,346 clocks per second" in text


@pytest.mark.parametrize(
    "rtl",
    [
        replace(make_rtl(), rtl_cycles=10_555),
        replace(make_rtl(), model_cycles=10_555),
        replace(make_rtl(), timing_cycles=10_555),
    ],
)
def test_disagreement_is_stated_in_red_with_all_counts(rtl: RtlCheck) -> None:
    text = headline(replace(make_summary(), rtl=rtl))
    assert 'class="check bad"' in text
    assert "do not agree" in text
    assert text.count("10,554") == 2
    assert text.count("10,555") == 1
    assert "output bits right" in text


def test_wrong_bits_are_stated() -> None:
    text = headline(replace(make_summary(), rtl=replace(make_rtl(), bit_exact=False)))
    assert 'class="check bad"' in text
    assert "output bits wrong" in text


def test_without_rtl_nothing_is_claimed() -> None:
    text = headline(replace(make_summary(), rtl=None))
    assert 'class="check none"' in text
    assert "agree" not in text


def test_headline_figures() -> None:
    html = render_report(make_summary())
    assert "<dd>1.89×</dd>" in html
    assert "<dd>98.0\u00a0%</dd>" in html
    assert "dense 98.4\u00a0%, pruned 98.2\u00a0%; 450 test images, so one is 0.22 points" in html


def test_hostile_text_stays_text() -> None:
    honest = make_summary()
    layer = replace(make_layer("x"), name=HOSTILE, kind=HOSTILE, shape=HOSTILE, pattern=HOSTILE)
    hostile = replace(
        honest,
        model=HOSTILE,
        data=HOSTILE,
        pattern=HOSTILE,
        layers=(layer, *honest.layers[1:]),
        notes=(HOSTILE, HOSTILE),
        versions={HOSTILE: HOSTILE, "b": "1", "c": "2"},
        rtl=replace(make_rtl(), simulator=HOSTILE),
    )
    page, plain = render_report(hostile), render_report(honest)
    assert Tables(page).tags["script"] == Tables(plain).tags["script"] == 1
    assert Tables(page).tags["img"] == 0
    assert Tables(page).tables[0][1][0] == HOSTILE.replace("\x1b", "?").replace("\x00", "?")
    assert "\x1b" not in page
    assert "\x00" not in page
    assert "1337" not in page


def test_one_file_that_asks_for_nothing() -> None:
    html = render_report(make_summary())
    tables = Tables(html)
    assert all(link.startswith("#") or link == "data:," for link in tables.links)
    assert not {"link", "img", "iframe", "object", "embed", "form"} & (set(tables.tags) - {"link"})
    assert tables.tags["link"] == 1
    assert not re.search(r"url\((?!#)|@import|fetch\(|XMLHttp", html)
    assert "default-src 'none'" in html
    assert len(tables.ids) == len(set(tables.ids))


def test_the_page_is_reproducible() -> None:
    assert render_report(make_summary()) == render_report(make_summary())


def test_zero_cycles_and_no_layers_render() -> None:
    empty = replace(
        make_layer("empty"),
        cycles=0,
        cycles_dense=0,
        cycles_limit=0,
        macs=0,
        utilization=0.0,
        clocks=Clocks(),
        weight_bits=WeightBits(),
    )
    assert "–" in Tables(render_report(replace(make_summary(), layers=(empty,)))).tables[0][1][5]
    bare = render_report(replace(make_summary(), layers=(), accuracy=None, rtl=None, notes=(), versions={}, seed=None))
    assert "<figure>" not in bare
    assert "Accuracy" not in bare
    assert "Assumptions" not in bare
