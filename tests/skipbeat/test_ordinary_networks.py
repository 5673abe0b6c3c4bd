"""Ordinary small networks from code to bits: close to PyTorch, exact against the oracle, in the estimate's clocks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils._pytree import tree_leaves, tree_map

from skipbeat.estimation import estimate_source
from skipbeat.networks import prepare_network
from skipbeat.simulation import simulate
from skipbeat_arch.hardware import load_hardware
from tests.skipbeat.ordinary_branches import NETWORKS

#: Run at every change; the others are slow for their number.
QUICK = {"mean_of_means", "largest_of_pixels", "preactivated_resnet", "bfloat16", "masked", "densenet"}
#: How far int8 may be from float, as a share of the largest result.
CLOSE = 0.1


@pytest.mark.parametrize("name", [pytest.param(n, marks=[] if n in QUICK else pytest.mark.slow) for n in NETWORKS])
def test_it_runs_as_it_is_priced(name: str) -> None:
    source, hardware = f"{NETWORKS[name].__module__}:{name}", load_hardware("edge-8x8")
    network = prepare_network(source, None, seed=0)
    report, arrays, *_ = simulate(network, hardware, None, 1, None, rtl=False, cycle_model=True)
    assert report["agrees"]
    found = np.asarray(arrays["y"], np.float64)[0] * float(np.asarray(arrays.get("y_scale", 1.0)))
    expected = float_result(name).numpy()
    assert np.abs(found.reshape(expected.shape) - expected).max() < CLOSE * np.abs(expected).max()
    estimate = estimate_source(source, hardware, table="horowitz-45nm", scheme=None, progress=lambda _: None)
    assert estimate.cycles == report["timing_cycles"]
    rows = {row["name"]: row["timing_cycles"] for row in report["layers"]}
    assert {row.name: row.cost.cycles for row in estimate.layers} == rows


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(NETWORKS)[::4])
def test_it_runs_on_the_rtl(name: str) -> None:
    network = prepare_network(f"{NETWORKS[name].__module__}:{name}", None, seed=0)
    report, *_ = simulate(network, load_hardware("edge-8x8"), None, 1, None, rtl=True, cycle_model=True)
    assert report["agrees"]
    assert report["rtl_cycles"] == report["model_cycles"] == report["timing_cycles"]


def test_there_are_as_many_as_the_documentation_says() -> None:
    assert len(NETWORKS) == 49


def float_result(name: str) -> torch.Tensor:
    """PyTorch's own result in float64, the first one if there are several."""
    model, inputs = NETWORKS[name]()
    with torch.no_grad():
        given = tree_map(lambda x: x.double() if x.is_floating_point() else x, tree_leaves(inputs))
        result: torch.Tensor = tree_leaves(model.double()(*given))[0]
    return result
