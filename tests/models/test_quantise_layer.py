"""Multipliers of sums and residuals, and the layers with weights 1."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from skipbeat_arch.errors import InputError
from skipbeat_arch.numbers import requantise, requantise_parameters
from skipbeat_arch.workload import Convolution, ReductionOrder
from skipbeat_models import quantise_layer as quantise_layer_module
from skipbeat_models.quantise_layer import Scales, activation_scale, ones_layer, quantise_layer
from skipbeat_models.reduction import reduction_matrix

PIXEL = Convolution(batch=1, c_in=5, c_out=3, height=1, width=1, kernel=(1, 1))


def convolution(seed: int, spread: float) -> nn.Conv2d:
    """Three output channels whose weights differ in size by `spread` and its square."""
    layer = nn.Conv2d(5, 3, 1, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(3, 5, 1, 1, generator=torch.Generator().manual_seed(seed)))
        layer.weight *= torch.tensor([1.0, spread, spread * spread]).reshape(3, 1, 1, 1)
    return layer


@given(seed=st.integers(0, 1000), spread=st.floats(1e-6, 1e6), residual=st.floats(1e-9, 1e9), out=st.floats(1e-9, 1e9))
def test_a_sum_and_its_residual_share_the_shift_of_the_larger(
    seed: int, spread: float, residual: float, out: float
) -> None:
    layer = convolution(seed, spread)
    quantised = quantise_layer(
        "x", layer.weight.detach(), torch.zeros(3), PIXEL, Scales(input=0.5, output=out, residual=residual)
    )
    multiplier, shift, added = quantised.layer.multiplier, quantised.layer.shift, quantised.residual_multiplier
    assert multiplier is not None
    assert shift is not None
    assert added is not None
    assert quantised.scale >= out
    assert ((multiplier >= 1) & (multiplier < 1 << 31) & (added >= 0) & (added < 1 << 31)).all()
    assert (np.maximum(multiplier, added) >= 1 << 30).all(), "31 bits of the larger"
    half = 0.5 / 2.0**shift
    assert (np.abs(added / 2.0**shift - residual / quantised.scale) <= half * 1.001).all()
    units = np.abs(layer.weight.detach().double().numpy()[:, :, 0, 0]).max(axis=1) / 127
    sizes = np.maximum(0.5 * units, 2.0**-30 * max(1.0, residual / quantised.scale) * quantised.scale)
    assert (np.abs(multiplier / 2.0**shift - sizes / quantised.scale) <= half * 1.001).all()


def test_without_a_residual_the_multipliers_are_the_contracts() -> None:
    weight, scales = convolution(1, 0.1).weight.detach(), Scales(input=0.5, output=2.0)
    quantised = quantise_layer("x", weight, torch.zeros(3), PIXEL, scales, clamp=(0.0, inf))
    assert quantised.residual_multiplier is None
    layer = quantised.layer
    assert layer.multiplier is not None
    assert layer.shift is not None
    assert layer.low == 0
    for channel, units in enumerate(np.abs(convolution(1, 0.1).weight.detach().double().numpy()).max(axis=(1, 2, 3))):
        expected = requantise_parameters(0.5 * units / 127 / quantised.scale)
        assert (layer.multiplier[channel], layer.shift[channel]) == expected


def test_copies_are_exact_and_averages_divide() -> None:
    x = np.arange(-128, 128, dtype=np.int32)
    load = Convolution(batch=1, c_in=2, c_out=2, height=4, width=4, kernel=(1, 1), groups=2)
    copy = ones_layer("copy", load, Scales(input=0.3)).layer
    assert copy.multiplier is not None
    assert copy.shift is not None
    np.testing.assert_array_equal(requantise(x, copy.multiplier[0], copy.shift[0]), x)
    load = Convolution(batch=1, c_in=2, c_out=2, height=4, width=4, kernel=(4, 4), groups=2)
    average = ones_layer("average", load, Scales(input=0.3, output=0.1))
    assert average.layer.multiplier is not None
    assert average.layer.shift is not None
    assert average.scale == 0.1
    assert (average.layer.weight == 1).all()
    sums = 16 * x // 5
    expected = np.clip(np.floor(sums * 0.3 / 16 / 0.1 + 0.5), -128, 127)
    np.testing.assert_array_equal(requantise(sums, average.layer.multiplier[0], average.layer.shift[0]), expected)


@pytest.mark.parametrize(("largest", "scale"), [(127.0, 1.0), (254.0, 2.0), (0.0, 1.0)])
def test_activations_fill_int8(largest: float, scale: float) -> None:
    assert activation_scale(largest) == scale


@pytest.mark.parametrize("order", ["kh,kw,cin", "cin,kh,kw"])
def test_weights_are_rounded_part_by_part_as_all_at_once(
    order: ReductionOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = Convolution(batch=1, c_in=7, c_out=5, height=4, width=4, kernel=(3, 3), order=order)
    weight = torch.randn(5, 7, 3, 3, generator=torch.Generator().manual_seed(2))
    scales = Scales(input=0.5, output=1.0)
    whole = quantise_layer("x", weight, torch.zeros(5), load, scales).layer.weight
    units = weight.abs().amax(dim=(1, 2, 3)).double().numpy() / 127
    expected = np.floor(reduction_matrix(weight, order).double().numpy() / units + 0.5)
    assert np.array_equal(whole, expected)
    monkeypatch.setattr(quantise_layer_module, "_AT_ONCE", 11)
    assert np.array_equal(quantise_layer("x", weight, torch.zeros(5), load, scales).layer.weight, whole)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_weights_that_are_not_finite_are_refused(value: float) -> None:
    weight = convolution(1, 0.1).weight.detach().clone()
    weight[2, 3] = value
    with pytest.raises(InputError, match="finite"):
        quantise_layer("x", weight, torch.zeros(3), PIXEL, Scales(input=0.5, output=2.0))
