"""Constant fan-in: as many weights for every output, and the largest of each."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from skipbeat_arch.errors import InputError
from skipbeat_arch.pattern import Pattern
from skipbeat_models.pruners.constant_fan_in import constant_fan_in_masks
from skipbeat_models.scheme import Scheme


@given(st.floats(0, 1), st.integers(1, 12), st.integers(1, 5), st.integers(0, 99))
def test_each_output_keeps_its_largest(density: float, inputs: int, outputs: int, seed: int) -> None:
    layer = nn.Linear(inputs, outputs)
    layer.weight.data = torch.randint(-3, 4, layer.weight.shape, generator=torch.Generator().manual_seed(seed)).float()
    mask = constant_fan_in_masks(nn.Sequential(layer), Pattern("unstructured", density=density))["0"]
    count = max(1, round(density * inputs)) if density else 0
    for row, kept in zip(layer.weight.tolist(), mask, strict=True):
        ranked = sorted(range(inputs), key=lambda at: (-abs(row[at]), at))
        assert set(kept.nonzero().flatten().tolist()) == set(ranked[:count])


def test_outputs_of_a_convolution_are_its_kernels() -> None:
    model = nn.Sequential(nn.Conv2d(4, 6, 3, groups=2))
    mask = constant_fan_in_masks(model, Scheme.everywhere(Pattern.parse("unstructured:0.25")))["0"]
    assert mask.shape == (6, 2, 3, 3)
    assert mask.sum(dim=(1, 2, 3)).tolist() == [round(0.25 * 18)] * 6


def test_patterns() -> None:
    model = nn.Sequential(nn.Linear(8, 3))
    assert constant_fan_in_masks(model, "1:4")["0"].sum(dim=1).tolist() == [2, 2, 2]
    with pytest.raises(InputError, match=r"layer '0': constant fan-in takes .*, not block:0\.5"):
        constant_fan_in_masks(model, "block:0.5")
