"""An estimate in Python: figures of the reports, a short line, tables and pictures."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from skipbeat_arch import estimate as priced
from skipbeat_reports.estimate import Estimate, figures, layer_rows, to_json
from skipbeat_reports.estimate.drawing import ShownFigure
from tests.reports.estimate.estimates import make_estimate


def test_it_is_the_same_estimate_with_the_figures_of_the_reports(small: priced.Estimate) -> None:
    shown = Estimate.of(small)
    assert all(getattr(shown, field.name) == getattr(small, field.name) for field in fields(small))
    total = to_json(small)["total"]
    for name in ("speedup", "speedup_limit", "latency_ms", "throughput_per_s"):
        assert getattr(shown, name) == total[name]
    assert shown.work_limit == figures.work_limit(small)
    assert shown.to_json() == to_json(small)


def test_its_repr_is_a_line(small: priced.Estimate, hostile: priced.Estimate) -> None:
    cycles = f"{small.cycles:,}"
    assert repr(Estimate.of(small)).startswith(f"<Estimate of made-up-net on large-32x32, batch 2: {cycles} cycles, ")
    for found in (small, hostile, make_estimate(())):
        assert len(repr(Estimate.of(found))) < 600
        assert repr(Estimate.of(found)).isprintable()


def test_a_notebook_shows_the_layers(small: priced.Estimate, hostile: priced.Estimate) -> None:
    view = Estimate.of(small)._repr_html_()
    assert all(layer.name in view for layer in small.layers)
    assert f"{small.cycles:,}" in view
    assert "<script" not in Estimate.of(hostile)._repr_html_()


def test_a_plot_has_a_bar_for_each_layer_and_cause(small: priced.Estimate, hostile: priced.Estimate) -> None:
    figure = Estimate.of(small).plot()
    assert isinstance(figure, ShownFigure)
    assert figure._repr_png_().startswith(b"\x89PNG")  # what a notebook shows
    (axes,) = figure.axes
    assert len(axes.patches) == len(small.layers) * len(figures.CAUSES)
    assert sum(patch.get_extents().width > 0 for patch in axes.patches) > len(small.layers)
    Estimate.of(hostile).plot().savefig("/dev/null", format="svg")


def test_a_table_has_a_row_for_each_layer(small: priced.Estimate, tmp_path: Path) -> None:
    file = Estimate.of(small).to_csv(tmp_path / "layers.csv")
    assert len(file.read_text().splitlines()) == 2 + len(small.layers)
    pandas = pytest.importorskip("pandas")
    table = Estimate.of(small).to_dataframe()
    assert list(table.index) == [layer.name for layer in small.layers]
    assert table["cycles"].sum() == small.cycles
    assert set(table.columns) | {"name"} == set(pandas.read_csv(file, skiprows=1).columns)
    assert len(layer_rows(small)) == len(table)
