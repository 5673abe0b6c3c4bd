"""Quantised networks: scales, shapes, zeros, and closeness to the float network."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn

from skipbeat_arch.errors import InputError
from skipbeat_arch.layer import IntegerLayer
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.workload import Convolution, Gemm, ReductionOrder
from skipbeat_models import oracle
from skipbeat_models.network import Flatten, IntegerNetwork, MaxPool, batched, round_half_up
from skipbeat_models.pruners.layers import apply_masks, prunable_layers
from skipbeat_models.pruners.magnitude import magnitude_masks
from skipbeat_models.quantise import quantise
from skipbeat_models.reduction import reduction_matrix
from skipbeat_models.scheme import Scheme
from tests.models.groups import fullest


def network(seed: int = 0) -> nn.Sequential:
    """Every kind of stage: stride, dilation, groups, depthwise, no bias, negative outputs, padding in the pool."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(8, 12, 3, groups=4, stride=2, padding=(2, 1), bias=False),
            nn.MaxPool2d(3, 2, padding=1),
            nn.Conv2d(12, 12, 3, groups=12, padding=2, dilation=2),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Conv2d(12, 6, (1, 2)),
            nn.Flatten(),
            nn.Linear(72, 9),
            nn.ReLU(),
            nn.Linear(9, 4),
        ).eval()


def images(count: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(count, 3, 12, 16, generator=torch.Generator().manual_seed(seed))


def logits(integer: IntegerNetwork, x: torch.Tensor) -> npt.NDArray[np.float64]:
    return oracle.run(integer, integer.quantise_images(x.numpy())).logits.astype(np.float64) * integer.logit_scale


@pytest.mark.parametrize("order", ["kh,kw,cin", "cin,kh,kw"])
def test_close_to_the_float_network(order: ReductionOrder) -> None:
    model, x = network(), images(32)
    integer = quantise(model, x, order)
    with torch.no_grad():
        expected = model(x).numpy()
    error = np.abs(logits(integer, x) - expected).max()
    assert error < 0.05 * np.abs(expected).max()


def test_layers_and_stages_are_the_models() -> None:
    model = network()
    integer = quantise(model, images(4), "cin,kh,kw")
    assert [type(stage) for stage in integer.stages] == [
        IntegerLayer,
        IntegerLayer,
        MaxPool,
        IntegerLayer,
        IntegerLayer,
        Flatten,
        IntegerLayer,
        IntegerLayer,
    ]
    assert [stage.name for stage in integer.stages] == ["0", "2", "3", "4", "7", "8", "9", "11"]
    assert [layer.low for layer in integer.layers] == [0, -128, 0, -128, 0, -128]
    grouped, last = integer.layers[1], integer.layers[-1]
    assert isinstance(grouped.workload, Convolution)
    assert grouped.workload == Convolution(
        batch=1,
        c_in=8,
        c_out=12,
        height=12,
        width=16,
        kernel=(3, 3),
        stride=(2, 2),
        padding=(2, 1),
        groups=4,
        order="cin,kh,kw",
    )
    assert grouped.weight.shape == (4, 18, 3)
    assert last.workload == Gemm(p=1, c=9, k=4)
    assert last.multiplier is None
    assert last.shift is None
    for layer in integer.layers:
        assert (layer.weight.dtype.name, layer.bias.dtype.name) == ("int8", "int32")
        workload = layer.workload
        gemm = workload.gemm if isinstance(workload, Convolution) else workload
        assert layer.weight.shape[-2:] == (gemm.c, gemm.k)
        if layer is not last:
            assert np.abs(layer.weight).max(axis=-2).min() == 127, "every output channel fills its range"
    assert np.abs(last.weight.astype(int)).max() == 127
    assert batched(grouped, 5).workload == dataclasses.replace(grouped.workload, batch=5)
    assert batched(last, 5).workload == Gemm(p=5, c=9, k=4)


def test_pruned_weights_stay_pruned() -> None:
    model = network()
    apply_masks(model, magnitude_masks(model, Scheme.everywhere(Pattern.parse("1:4"))))
    integer = quantise(model, images(4))
    for layer in integer.layers:
        matrix = reduction_matrix(prunable_layers(model)[layer.name].weight.detach())
        weight = layer.weight.transpose(1, 0, 2).reshape(matrix.shape) if layer.weight.ndim == 3 else layer.weight
        assert not np.any(weight[(matrix == 0).numpy()])
        assert fullest(weight, 4) == 1


@pytest.mark.parametrize("bias", [0.0, 0.3, -0.3, 1e-9])
def test_channels_without_weights_keep_their_bias(bias: float) -> None:
    """A block pattern can empty an output channel, or nearly."""
    layer = nn.Linear(6, 3)
    with torch.no_grad():
        layer.weight[0] = 0
        layer.weight[1] *= 1e-12
        layer.bias[:2] = bias
    model = nn.Sequential(nn.Flatten(), layer, nn.Linear(3, 2)).eval()
    x = torch.randn(16, 6, 1, 1, generator=torch.Generator().manual_seed(2))
    hidden = oracle.run(quantise(model, x), quantise(model, x).quantise_images(x.numpy())).traces[0].output
    with torch.no_grad():
        real = layer(x.flatten(1)).numpy()
    assert np.abs(hidden - real * 127 / np.abs(real).max()).max() < 3


def test_outputs_that_cancel_do_not_need_an_impossible_scale() -> None:
    layer = nn.Linear(2, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1e3, -1e3]]))
        layer.bias.fill_(1e-13)
    model = nn.Sequential(nn.Flatten(), layer, nn.Linear(1, 2)).eval()
    x = torch.ones(1, 1, 1, 2) * torch.tensor([1.0, 2.0]).reshape(2, 1, 1, 1)
    integer = quantise(model, x)
    assert not oracle.run(integer, integer.quantise_images(x.numpy())).traces[0].output.any()


def test_a_network_of_zeros_is_quantised() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    x = torch.zeros(2, 1, 2, 2)
    assert not logits(quantise(model, x), x).any()


def test_images_are_rounded_half_up_and_clamped() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    integer = quantise(model, torch.tensor([127.0, -1, 0, 3]).reshape(1, 1, 2, 2))
    x = np.array([[0.5, -0.5], [200, -200]])[None, None]
    assert integer.quantise_images(x).flatten().tolist() == [1, 0, 127, -128]
    assert round_half_up([1.5, 2.5, -1.5, -2.5], -2, 2).tolist() == [2, 2, -1, -2]
    with pytest.raises(InputError, match=r"expected \[N, 1, 2, 2\]"):
        integer.quantise_images(np.zeros((1, 1, 2, 3)))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nn.Sequential(), "last module"),
        (nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU()), "last module"),
        (nn.Sequential(nn.ReLU(), nn.Conv2d(1, 1, 1)), "layer 0: ReLU is not supported here"),
        (nn.Sequential(nn.BatchNorm2d(1), nn.Conv2d(1, 1, 1)), "BatchNorm2d is not supported"),
        (nn.Sequential(nn.Conv2d(1, 1, 3, padding="same")), "numeric zero padding"),
        (nn.Sequential(nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect")), "not reflect"),
        (nn.Sequential(nn.MaxPool2d(2, ceil_mode=True), nn.Conv2d(1, 1, 1)), "ceil_mode"),
        (nn.Sequential(nn.Flatten(2), nn.Conv2d(1, 1, 1)), "Flatten is not supported"),
        (nn.Sequential(nn.Linear(4, 2)), "add a Flatten"),
        (nn.Sequential(nn.Conv2d(2, 1, 1)), "layer 0: cannot take an input of shape"),
        (nn.Sequential(nn.Flatten(), nn.Linear(15, 2)), "layer 1: cannot take an input of shape"),
    ],
)
def test_unsupported_networks_are_refused(model: nn.Sequential, message: str) -> None:
    with pytest.raises(InputError, match=message):
        quantise(model, torch.ones(1, 1, 4, 4))


def test_bad_numbers_are_refused() -> None:
    layer = nn.Conv2d(1, 1, 1)
    model = nn.Sequential(layer)
    for bad in (torch.ones(1, 4, 4), torch.ones(0, 1, 4, 4), torch.full((1, 1, 4, 4), float("nan"))):
        with pytest.raises(InputError, match="calibration data"):
            quantise(model, bad)
    nn.init.constant_(layer.weight, float("inf"))
    with pytest.raises(InputError, match="layer 0: expected finite weights"):
        quantise(model, torch.ones(1, 1, 4, 4))
    wide = nn.Linear(150_000, 1)
    nn.init.ones_(wide.weight)
    with pytest.raises(InputError, match="do not fit a 32-bit accumulator"):
        quantise(nn.Sequential(nn.Flatten(), wide), torch.ones(1, 1, 150_000, 1))
