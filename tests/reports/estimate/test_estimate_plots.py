from __future__ import annotations

import re
from dataclasses import replace
from math import log
from xml.etree import ElementTree

import pytest

from skipbeat_arch.estimate import Estimate, LayerEstimate
from skipbeat_arch.registers import Cause
from skipbeat_reports.bars import Plot
from skipbeat_reports.estimate import figures, plots, points
from skipbeat_reports.estimate.roles import CAUSE_ROLES, component_roles
from tests.reports.estimate.estimates import make_estimate, make_layer

SVG = "{http://www.w3.org/2000/svg}"


def bars(plot: Plot, role: str) -> list[tuple[float, float]]:
    """Left and right end of each bar with a role's colour."""
    ends = []
    for path in ElementTree.fromstring(plot.svg).iter(f"{SVG}path"):
        if f"fill: var(--{role})" in path.get("style", ""):
            x = [float(point) for point in re.findall(r"[ML] (\S+)", path.get("d", ""))]
            ends.append((min(x), max(x)))
    return ends


def widths(plot: Plot, role: str) -> list[float]:
    return [right - left for left, right in bars(plot, role)]


def texts(plot: Plot) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(plot.svg).iter(f"{SVG}text")]


def tips(plot: Plot) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(plot.svg).iter(f"{SVG}title")]


def spots(plot: Plot) -> dict[str, tuple[float, float]]:
    """Where the point of each layer is, by the name in its tip."""
    found = {}
    for group in ElementTree.fromstring(plot.svg).iter(f"{SVG}g"):
        title, use = group.find(f"{SVG}title"), next(group.iter(f"{SVG}use"), None)
        if title is not None and use is not None:
            found[(title.text or "").split(":")[0]] = (float(use.get("x", "nan")), float(use.get("y", "nan")))
    return found


def test_titles_in_order_and_none_without_layers(small: Estimate) -> None:
    drawn = plots.all_plots(small)
    assert [plot.title for plot in drawn] == [
        "Roofline",
        "Speed-up against density",
        "Cycles per layer",
        "Energy per layer",
        "Where each clock went",
        "Stored weights",
    ]
    assert all(plot.caption and plot.legend for plot in drawn)
    for plot in drawn[2:]:
        assert {layer.name for layer in small.layers} <= set(texts(plot))
    assert plots.all_plots(make_estimate(())) == []


def test_cycle_bars_have_the_lengths_of_the_cycles(small: Estimate) -> None:
    plot = plots.cycles(small)
    dense, ours = widths(plot, "dense"), widths(plot, "accent")
    scale = dense[0] / small.layers[0].cycles_dense
    assert dense == pytest.approx([scale * layer.cycles_dense for layer in small.layers], abs=0.01)
    assert ours == pytest.approx([scale * layer.cost.cycles for layer in small.layers], abs=0.01)


def test_energy_bars_add_up_and_small_components_share_a_colour(small: Estimate) -> None:
    plot = plots.energies(small)
    scale = widths(plot, "dense")[0] / small.layers[0].energy_dense_pj
    parts = component_roles(list(figures.energy_by_component(small.layers)))
    assert [label for _, label, _ in parts][-1] == "other"
    for role, _, components in parts:
        expected = [scale * sum(layer.energy_pj[name] for name in components) for layer in small.layers]
        assert sum(widths(plot, role)) == pytest.approx(sum(expected), abs=0.05)
    assert plot.legend[1:] == tuple((role, label) for role, label, _ in parts)


def test_few_components_have_a_colour_each() -> None:
    assert [label for _, label, _ in component_roles(["a", "b"])] == ["a", "b"]
    assert [label for _, label, _ in component_roles(list("abcdef"))] == list("abcdef")
    roles = component_roles(list("abcdefgh"))
    assert roles[-1] == ("quiet", "other", ("f", "g", "h"))
    assert len({role for role, _, _ in roles}) == len(roles)


def test_clock_stacks_are_the_shares_of_their_causes(small: Estimate) -> None:
    plot = plots.clocks(small)
    whole = max(right for _, right in bars(plot, "quiet")) - min(left for left, _ in bars(plot, "accent"))
    for cause, role in CAUSE_ROLES.items():
        shares = [layer.cost.clocks[cause] / layer.cost.cycles for layer in small.layers if layer.cost.clocks[cause]]
        assert widths(plot, role) == pytest.approx([whole * share for share in shares], abs=0.02)
    assert len(plot.legend) == len(Cause)


def test_causes_that_never_happened_are_not_in_the_legend(small: Estimate) -> None:
    layer = small.layers[0]
    pure = replace(layer, cost=replace(layer.cost, clocks={Cause.COMPUTE: layer.cost.cycles}))
    assert plots.clocks(make_estimate((pure,))).legend == (("accent", "compute"),)


def test_weight_stacks_are_values_and_metadata(small: Estimate) -> None:
    plot = plots.weights(small)
    values, metadata = widths(plot, "accent"), widths(plot, "warm")
    scale = values[-1] / small.layers[-1].cost.value_bits
    assert values == pytest.approx(
        [scale * layer.cost.value_bits for layer in small.layers if layer.cost.value_bits], abs=0.01
    )
    assert metadata == pytest.approx(
        [scale * layer.cost.metadata_bits for layer in small.layers if layer.cost.metadata_bits], abs=0.01
    )
    assert texts(plot).count("none") == 2


def test_roofline_points_are_logarithmic_and_under_the_roofs(small: Estimate) -> None:
    found = spots(points.roofline(small))
    worked = [layer for layer in small.layers if layer.macs]
    assert set(found) == {layer.name for layer in worked}
    one, two, three = (next(layer for layer in worked if layer.name == name) for name in ("conv1", "depthwise", "fc"))

    def place(layer: LayerEstimate) -> tuple[float, float]:
        return log(layer.macs / figures.dram_bytes(layer)), log(layer.macs / layer.cost.cycles)

    for axis in (0, 1):
        drawn = [found[layer.name][axis] - found[one.name][axis] for layer in (two, three)]
        real = [place(layer)[axis] - place(one)[axis] for layer in (two, three)]
        assert drawn[0] / drawn[1] == pytest.approx(real[0] / real[1], rel=1e-3)


def test_roofline_without_a_memory_bound_says_so(small: Estimate) -> None:
    layer = small.layers[0]
    bare = replace(layer, cost=replace(layer.cost, schedule=replace(layer.cost.schedule, bounds={})))
    plot = points.roofline(make_estimate((bare,)))
    assert "no layer has a memory bound" in plot.caption
    assert plot.legend[-1] == ("limit", "roofs: 1,024 per clock")


def test_density_points_lie_where_they_should(small: Estimate) -> None:
    found = spots(points.density(small))
    assert set(found) == {layer.name for layer in small.layers}
    (zero, one_x), (full, full_y) = found["pruned.away"], found["conv1"]
    assert full_y == pytest.approx(one_x, abs=0.01)
    assert found["layer2.0.conv1"][0] == pytest.approx(zero + 0.2 * (full - zero), abs=0.01)
    down, conv = found["layer2.0.down"], found["layer2.0.conv1"]
    layers = {layer.name: layer for layer in small.layers}
    assert (one_x - down[1]) / (one_x - conv[1]) == pytest.approx(
        (layers["layer2.0.down"].speedup - 1) / (layers["layer2.0.conv1"].speedup - 1), rel=1e-3
    )


def test_every_point_tells_its_layer(many: Estimate) -> None:
    for plot in (points.roofline(many), points.density(many)):
        assert len(tips(plot)) == len(many.layers)
        assert any(many.layers[7].name in tip for tip in tips(plot))


def test_layers_without_work_only_or_one_layer() -> None:
    for layer in (make_layer("a", density=0.0), make_layer("b")):
        assert len(plots.all_plots(make_estimate((layer,)))) == 6
