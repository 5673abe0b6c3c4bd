from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from skipbeat_arch.errors import InputError
from skipbeat_arch.estimate import Estimate
from skipbeat_reports.estimate import figures, render_page, write_page
from tests.reports.estimate.estimates import HOSTILE, make_estimate
from tests.reports.html_tables import Tables, number

REFERENCES, LAYERS, ENERGY, DETAILS, HOST = range(5)


@pytest.fixture(scope="module")
def page(small: Estimate) -> str:
    return render_page(small)


def test_a_wish_is_called_one(page: str) -> None:
    assert page.count("333 MHz (assumed)") == 2


def test_layer_table_has_the_numbers_of_the_estimate(small: Estimate, page: str) -> None:
    _, *rows, total = Tables(page).tables[LAYERS]
    assert [row[0] for row in rows] == [layer.name for layer in small.layers]
    for row, layer in zip(rows, small.layers, strict=True):
        assert row[1:3] == [layer.pattern, str(layer.cost.bound)]
        assert number(row[3]) == pytest.approx(100 * layer.density, abs=0.05)
        assert [number(row[4]), number(row[5])] == [layer.cycles_dense, layer.cost.cycles]
        assert number(row[6]) == pytest.approx(layer.speedup, abs=0.005)
        assert row[7] == ("∞" if layer.macs == 0 else f"{layer.speedup_limit:.2f}×")
        assert number(row[8]) == pytest.approx(100 * figures.utilization(layer, small.pes), abs=0.05)
    assert [number(total[4]), number(total[5])] == [small.cycles_dense, small.cycles]
    assert number(total[7]) == pytest.approx(figures.amdahl_limit(small), abs=0.005)


def test_sorting_keys_are_the_exact_numbers(small: Estimate, page: str) -> None:
    table = page[page.index('<table class="sortable') :]
    row = table[table.index("layer2.0.conv1") :]
    found = [float(value) for value in re.findall(r'data-value="([^"]+)"', row[: row.index("</tr>")])]
    layer = small.layers[3]
    assert found == [
        layer.density,
        layer.cycles_dense,
        layer.cost.cycles,
        layer.speedup,
        layer.speedup_limit,
        figures.utilization(layer, small.pes),
        figures.dram_bytes(layer),
        figures.weight_bits(layer),
        figures.energy_pj(layer),
    ]
    assert "inf" not in set(re.findall(r'data-value="([^"]+)"', page))


def test_references_with_their_explanations(small: Estimate, page: str) -> None:
    _, *rows = Tables(page).tables[REFERENCES]
    for row, other in zip(rows, small.references, strict=True):
        assert row[0] == other.name
        assert row[1] == ("–" if other.cycles_dense is None else f"{other.cycles_dense:,}")
        assert number(row[2]) == other.cycles
        assert number(row[3]) == pytest.approx(other.cycles / small.cycles, abs=0.005)
        assert row[4] == other.explanation


def test_energy_details_and_host_operators(small: Estimate, page: str) -> None:
    tables = Tables(page).tables
    parts = figures.energy_by_component(small.layers)
    assert [row[0] for row in tables[ENERGY][1:-1]] == list(parts)
    for row, layer in zip(tables[DETAILS][1:], small.layers, strict=True):
        clocks = [layer.cost.clocks.get(cause, 0) for cause in figures.CAUSES]
        assert [number(cell) for cell in row[1:]] == [*clocks, layer.cost.value_bits, layer.cost.metadata_bits]
    found = {(row[0], row[1], row[2], number(row[3]), number(row[4])) for row in tables[HOST][1:]}
    assert found == {
        (name, operator, "output stage" if fused else "host", count, elements)
        for name, operator, elements, count, fused in small.host_operators
    }
    assert [row[2] for row in tables[HOST][1:]] == ["host"] * 3 + ["output stage"]


def test_headline_limits_dram_range_and_assumptions(small: Estimate, page: str) -> None:
    text = page.replace("\u00a0", " ")
    assert f"<dd>{small.cycles_dense / small.cycles:.2f}×</dd>" in text
    assert f"{figures.amdahl_limit(small):.2f}× if every layer reached its own limit (Amdahl)" in text
    assert f"{figures.work_limit(small):.2f}× less: {small.macs:,} of {small.macs_dense:,}" in text
    assert "8 pJ, the total is" in text
    assert "47 pJ," in text
    assert small.energy_table in text
    for assumption in small.assumptions:
        assert f"<li>{assumption}</li>" in text


def test_hostile_text_stays_text(page: str, hostile: Estimate) -> None:
    found = render_page(hostile)
    tables = Tables(found)
    assert tables.tags["script"] == Tables(page).tags["script"] == 1
    assert tables.tags["img"] == 0
    shown = HOSTILE.replace("\x1b", "?").replace("\x00", "?")
    assert tables.tables[LAYERS][1][0] == shown
    assert tables.tables[HOST][1][:2] == [shown, shown]
    assert tables.tables[REFERENCES][1][4] == shown
    assert "\x1b" not in found
    assert "\x00" not in found
    assert "1337" not in found


def test_one_file_that_asks_for_nothing(page: str) -> None:
    tables = Tables(page)
    assert all(link.startswith("#") or link == "data:," for link in tables.links)
    assert not {"img", "iframe", "object", "embed", "form"} & set(tables.tags)
    assert not re.search(r"url\((?!#)|@import|fetch\(|XMLHttp", page)
    assert "default-src 'none'" in page
    assert len(tables.ids) == len(set(tables.ids))


def test_plots_and_tables_have_texts_for_those_who_do_not_see_them(page: str) -> None:
    assert page.count('<svg role="img" aria-label="') == page.count("<svg") == 6
    assert page.count("<table") == page.count('aria-describedby="')
    for note in re.findall(r'aria-describedby="([\w-]+)"', page):
        assert f'id="{note}"' in page
    assert not re.search(r"<th(?![^>]*\bscope=)[ >]", page)


def test_many_layers_scroll_in_a_box_that_the_keyboard_reaches(many: Estimate, page: str) -> None:
    boxes = '<div class="tall" tabindex="0" role="region" aria-label="'
    assert render_page(many).count(boxes) == 4
    assert boxes not in page


def test_many_host_operators_are_folded_away(small: Estimate) -> None:
    operators = tuple((f"relu{index}", "aten.relu", 5, 1, True) for index in range(40))
    found = render_page(replace(small, host_operators=operators))
    assert "<summary>All 40 operators</summary>" in found
    assert "run every operator of the model" in render_page(replace(small, host_operators=()))


def test_the_page_is_reproducible(small: Estimate, page: str) -> None:
    assert render_page(small) == page


def test_no_layers_and_no_references_render() -> None:
    page = render_page(make_estimate(()))
    assert "<figure>" not in page
    assert "<dd>–</dd>" in page


def test_the_file_is_the_page_and_a_folder_is_refused(small: Estimate, page: str, tmp_path: Path) -> None:
    path = write_page(small, tmp_path / "new" / "page.html")
    assert path.read_text(encoding="utf-8") == page
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(InputError, match="cannot be written"):
        write_page(small, tmp_path)
