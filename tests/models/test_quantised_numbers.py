"""Quantised sequences of layers: scales, shapes, zeros, and closeness to the float network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from skipbeat_arch.arrays import FloatArray
from skipbeat_arch.errors import InputError
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.workload import Convolution, ReductionOrder
from skipbeat_models.graph_oracle import run_graph
from skipbeat_models.pruners.layers import apply_masks, prunable_layers
from skipbeat_models.pruners.magnitude import magnitude_masks
from skipbeat_models.quantise_graph import QuantisedGraph, quantise_graph
from skipbeat_models.quantise_layer import round_half_up
from skipbeat_models.reduction import reduction_matrix
from skipbeat_models.scheme import Scheme
from skipbeat_models.sources.module import flattened_maps
from tests.models.groups import fullest


def network(seed: int = 0) -> nn.Sequential:
    """Every kind of stage: stride, dilation, groups, depthwise, no bias, negative outputs, padding in the pool."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, padding=1),
            nn.Conv2d(8, 12, 3, groups=4, stride=2, padding=(2, 1), bias=False),
            nn.MaxPool2d(2),
            nn.Conv2d(12, 12, 3, groups=12, padding=2, dilation=2),
            nn.ReLU6(),
            nn.Dropout(0.5),
            nn.Conv2d(12, 6, (1, 2)),
            nn.Flatten(),
            nn.Linear(24, 9),
            nn.ReLU(),
            nn.Linear(9, 4),
        ).eval()


def images(count: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(count, 3, 12, 24, generator=torch.Generator().manual_seed(seed))


def tensors(quantised: QuantisedGraph, x: torch.Tensor) -> dict[str, FloatArray]:
    """Every tensor of the integer graph, in real numbers."""
    values = run_graph(quantised.graph, quantised.quantise_images(x.numpy()))
    return {name: value.astype(np.float64) * quantised.scales[name] for name, value in values.items()}


def logits(quantised: QuantisedGraph, x: torch.Tensor) -> FloatArray:
    return tensors(quantised, x)[quantised.graph.output][:, :, 0, 0]


@pytest.mark.parametrize("order", ["kh,kw,cin", "cin,kh,kw"])
def test_close_to_the_float_network(order: ReductionOrder) -> None:
    model, x = network(), images(32)
    quantised = quantise_graph(model, x, order)
    with torch.no_grad():
        expected = model(x).numpy()
    assert np.abs(logits(quantised, x) - expected).max() < 0.05 * np.abs(expected).max()


def test_nodes_are_the_models() -> None:
    quantised = quantise_graph(network(), images(4), "cin,kh,kw")
    nodes = quantised.graph.nodes
    assert [node.layer.name for node in nodes] == ["0", "2", "3", "5", "8", "10", "12"]
    assert [node.layer.low for node in nodes] == [0, -128, -128, 0, -128, 0, -128]
    assert [node.pool is not None for node in nodes] == [False, True, True, False, False, False, False]
    grouped, last = nodes[2], nodes[-1]
    assert grouped.convolution == Convolution(
        batch=1,
        c_in=8,
        c_out=12,
        height=6,
        width=12,
        kernel=(3, 3),
        stride=(2, 2),
        padding=(2, 1),
        groups=4,
        order="cin,kh,kw",
    )
    assert grouped.layer.weight.shape == (4, 18, 3)
    assert nodes[-2].convolution.kernel == (2, 2)  # the flattened map
    assert last.raw
    for node in nodes:
        gemm = node.convolution.gemm
        assert (node.layer.weight.dtype.name, node.layer.bias.dtype.name) == ("int8", "int32")
        assert node.layer.weight.shape[-2:] == (gemm.c, gemm.k)
        if node is not last and node.layer.name != "2":
            assert np.abs(node.layer.weight).max(axis=-2).min() == 127, "every output channel fills its range"
    assert np.abs(last.layer.weight.astype(int)).max() == 127


def test_pruned_weights_stay_pruned() -> None:
    model = network()
    flattened = flattened_maps(model, (images(1),))
    assert flattened == {"10": 6}
    apply_masks(model, magnitude_masks(model, Scheme.everywhere(Pattern.parse("1:4")), flattened=flattened))
    for node in quantise_graph(model, images(4)).graph.nodes:
        if node.layer.name not in (layers := prunable_layers(model)):
            continue
        conv = node.convolution
        shape = (conv.c_out, conv.c_in // conv.groups, *conv.kernel)
        matrix = reduction_matrix(layers[node.layer.name].weight.detach().reshape(shape))
        weight = node.layer.weight
        weight = weight.transpose(1, 0, 2).reshape(matrix.shape) if weight.ndim == 3 else weight
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
    quantised = quantise_graph(model, x)
    hidden = run_graph(quantised.graph, quantised.quantise_images(x.numpy()))["1"][:, :, 0, 0]
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
    assert not tensors(quantise_graph(model, x), x)["1"].any()


def test_a_network_of_zeros_is_quantised() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    x = torch.zeros(2, 1, 2, 2)
    assert not logits(quantise_graph(model, x), x).any()


def test_images_are_rounded_half_up_and_clamped() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    quantised = quantise_graph(model, torch.tensor([127.0, -1, 0, 3]).reshape(1, 1, 2, 2))
    x = np.array([[0.5, -0.5], [200, -200]])[None, None]
    assert quantised.quantise_images(x).flatten().tolist() == [1, 0, 127, -128]
    assert round_half_up([1.5, 2.5, -1.5, -2.5], -2, 2).tolist() == [2, 2, -1, -2]
    with pytest.raises(InputError, match=r"expected finite numbers \[N, 1, 2, 2\]"):
        quantised.quantise_images(np.zeros((1, 1, 2, 3)))


@pytest.mark.parametrize(("low", "high"), [(-0.5, 0.25), (0.1, 0.7), (-9.0, 9.0)])
def test_a_clamp_is_the_output_stages(low: float, high: float) -> None:
    class Clamped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.last = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 2, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            result: torch.Tensor = self.last(torch.clamp(self.conv(x), low, high))
            return result

    model, x = Clamped().eval(), images(4)
    quantised = quantise_graph(model, x)
    with torch.no_grad():
        expected = model.conv(x).clamp(low, high).numpy()
    assert np.abs(tensors(quantised, x)["conv"] - expected).max() < 0.03


def test_bad_numbers_are_refused() -> None:
    layer = nn.Conv2d(1, 1, 1)
    model = nn.Sequential(layer)
    for bad in (torch.ones(1, 4, 4), torch.ones(0, 1, 4, 4), torch.full((1, 1, 4, 4), float("nan"))):
        with pytest.raises(InputError, match="calibration data"):
            quantise_graph(model, bad)
    nn.init.constant_(layer.weight, float("inf"))
    with pytest.raises(InputError, match="layer 0: expected finite weights"):
        quantise_graph(model, torch.ones(1, 1, 4, 4))
    wide = nn.Linear(150_000, 1)
    nn.init.ones_(wide.weight)
    with pytest.raises(InputError, match="do not fit a 32-bit accumulator"):
        quantise_graph(nn.Sequential(nn.Flatten(), wide), torch.ones(1, 1, 150_000, 1))
