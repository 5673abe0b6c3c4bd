from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from skipbeat_arch.timing import Clocks
from skipbeat_reports import plots
from skipbeat_reports.bars import Plot
from skipbeat_reports.layer import LayerSummary
from tests.reports.summaries import make_layer, make_summary

LAYERS = make_summary().layers
SVG = "{http://www.w3.org/2000/svg}"


def texts(plot: Plot) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(plot.svg).iter(f"{SVG}text")]


def bars(plot: Plot, role: str) -> list[tuple[float, float]]:
    """Left and right end of each bar with a role's colour, from the first layer to the last."""
    ends = []
    for path in ElementTree.fromstring(plot.svg).iter(f"{SVG}path"):
        if path.get("style", "").startswith(f"fill: var(--{role})"):
            x = [float(point) for point in re.findall(r"[ML] (\S+)", path.get("d", ""))]
            ends.append((min(x), max(x)))
    return ends


def widths(plot: Plot, role: str) -> list[float]:
    return [right - left for left, right in bars(plot, role)]


def test_every_plot_names_every_layer() -> None:
    drawn = plots.all_plots(LAYERS)
    assert [plot.title for plot in drawn] == [
        "Cycles per layer",
        "Utilisation per layer",
        "Where each clock went",
        "Compressed weights",
    ]
    for plot in drawn:
        assert {layer.name for layer in LAYERS} <= set(texts(plot))
        assert plot.caption


def test_cycle_bars_have_the_lengths_of_the_cycles() -> None:
    plot = plots.cycles(LAYERS)
    for role, values in (
        ("dense", [layer.cycles_dense for layer in LAYERS]),
        ("accent", [layer.cycles for layer in LAYERS]),
    ):
        scale = widths(plot, role)[1] / values[1]
        assert widths(plot, role) == pytest.approx([scale * value for value in values], abs=0.01)
    assert widths(plot, "accent")[1] / widths(plot, "dense")[1] == pytest.approx(1 / (LAYERS[1].speedup or 0), abs=1e-4)
    assert {"1.00×", "1.99×", "1.91×", "0.69×"} <= set(texts(plot))


def test_utilisation_bars_are_shares_of_their_tracks() -> None:
    plot = plots.utilization(LAYERS)
    shares = [bar / track for bar, track in zip(widths(plot, "accent"), widths(plot, "track"), strict=True)]
    assert shares == pytest.approx([layer.utilization for layer in LAYERS], abs=1e-4)


def test_clock_bars_stack_to_the_whole() -> None:
    plot = plots.clocks(LAYERS[-1:])
    stacked = [bars(plot, role)[0] for role in ("accent", "warm", "alarm", "quiet")]
    whole = stacked[-1][1] - stacked[0][0]
    spent = LAYERS[-1].clocks
    shares = [(right - left) / whole for left, right in stacked]
    parts = [spent.compute, spent.tile_wait, spent.hazard, spent.fill_drain]
    assert shares == pytest.approx([part / LAYERS[-1].cycles for part in parts], abs=1e-4)
    for (_, right), (left, _) in pairwise(stacked):
        assert left == pytest.approx(right, abs=1e-4)


def test_weight_bars_are_in_proportion() -> None:
    plot = plots.weights(LAYERS[1:2])
    stored = LAYERS[1].weight_bits
    lengths = [widths(plot, role)[0] for role in ("accent", "warm", "quiet")]
    assert lengths == pytest.approx(
        [sum(lengths) * part / stored.total for part in (stored.values, stored.metadata, stored.padding)], abs=0.01
    )


def test_colours_come_from_the_page_alone() -> None:
    for plot in plots.all_plots(LAYERS):
        assert not re.search(r"#[0-9a-fA-F]{6}", plot.svg)
        for role, _ in plot.legend:
            assert f"var(--{role})" in plot.svg


@pytest.mark.parametrize("name", ["$x^2$", "<b>&'\"", "@@1@@", "卷积", "a\nb", "$unbalanced"])
def test_any_name_is_drawn_as_it_is(name: str) -> None:
    drawn = plots.cycles([make_layer(name), make_layer("second")])
    assert name.replace("\n", "?") in texts(drawn)


@pytest.mark.parametrize(
    "layer",
    [
        replace(make_layer("idle"), cycles=0, cycles_dense=0, cycles_limit=0, utilization=0.0, clocks=Clocks()),
        make_layer("dense", pattern="dense"),
        make_layer("large", weights=10**7, pixels=10**5),
    ],
)
def test_extreme_layers_are_drawn(layer: LayerSummary) -> None:
    assert len(plots.all_plots([layer])) == 4


def test_no_layers_no_plots() -> None:
    assert plots.all_plots([]) == []
