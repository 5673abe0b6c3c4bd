"""Bounds on what zeros among activations would save."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import skipbeat
from skipbeat_arch.errors import InputError
from skipbeat_arch.estimate import Bound
from skipbeat_mapper.estimate import activation_bounds


def test_bounds() -> None:
    found = skipbeat.estimate(nn.Sequential(nn.Linear(64, 32), nn.Linear(32, 16)), torch.zeros(40, 64), "edge-8x8")
    (bound,) = activation_bounds(found, {"1": 0.25})
    (layer,) = [layer for layer in found.layers if layer.name == "1"]
    assert bound.macs == (40 * 32 * 16, 40 * 32 * 4)
    others = max(clocks for kind, clocks in layer.cost.schedule.bounds.items() if kind is not Bound.COMPUTE)
    steps = layer.cost.schedule.bounds[Bound.COMPUTE]
    assert bound.cycles == (layer.cost.cycles, min(layer.cost.cycles, max(others, -(-steps // 4))))
    spent = sum(layer.energy_pj.values())
    assert bound.energy_pj == pytest.approx((spent, spent - 0.75 * layer.energy_pj["macs"]))
    (whole,) = activation_bounds(found, {"0": 1.0})
    assert whole.macs[0] == whole.macs[1]
    assert whole.energy_pj[0] == whole.energy_pj[1]
    assert activation_bounds(found, {}) == ()
    with pytest.raises(InputError, match="activations 2: expected the name of a layer, such as 0"):
        activation_bounds(found, {"2": 0.5})
