"""Operators and forms of layers between machine and host: close to the float network."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from skipbeat_arch.errors import InputError
from skipbeat_models.mixed_listing import host_operators
from skipbeat_models.networks.seeded import seeded
from skipbeat_models.quantise_mixed import quantise_mixed
from tests.models.mixed_runs import assert_close, run
from tests.models.sources.described import Function, describe


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (nn.ConvTranspose2d(3, 4, 2), (2, 3, 4, 5)),
        (nn.ConvTranspose2d(4, 6, (3, 2), (2, 1), (1, 0), (1, 0), groups=2), (1, 4, 4, 5)),
        (nn.ConvTranspose2d(4, 3, 4, 2, 3, dilation=(1, 3), bias=False), (1, 4, 6, 6)),
        (nn.ConvTranspose1d(4, 3, 5, 3), (2, 4, 6)),
        (nn.Conv2d(4, 3, 4, padding="same"), (2, 4, 5, 6)),
        (nn.Conv1d(4, 3, 2, padding="same", dilation=3), (4, 6)),
        (nn.Conv3d(3, 4, 3, padding=1), (2, 3, 4, 5, 6)),
        (nn.Conv3d(4, 6, (2, 3, 3), (2, 1, 2), (1, 0, 1), (2, 1, 1), groups=2), (1, 4, 5, 5, 6)),
        (nn.Conv3d(2, 3, (2, 3, 2), padding="same", bias=False), (2, 4, 5, 5)),
        (
            nn.Sequential(nn.Conv3d(2, 3, 3), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(3, 4)),
            (2, 2, 4, 4, 4),
        ),
        (nn.ConvTranspose3d(2, 3, 2), (2, 2, 3, 2, 4)),
        (nn.ConvTranspose3d(4, 6, (3, 2, 3), (2, 1, 2), (1, 0, 1), (1, 0, 1), groups=2), (1, 4, 2, 3, 3)),
        (nn.ConvTranspose3d(2, 3, (2, 2, 3), (3, 1, 2), dilation=(2, 1, 1), bias=False), (2, 2, 3, 3)),
        (nn.GRUCell(4, 4), (3, 4)),
    ],
)
def test_phases_and_unequal_zeros_around_a_map_run(model: nn.Module, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    x = torch.randn(shape)
    assert_close(model, quantise_mixed(model, (x,)), x)


@pytest.mark.parametrize(
    ("equation", "given", "weight"),
    [
        ("bec,eck->bek", (4, 3, 8), (3, 8, 6)),  # experts that all compute
        ("bhqd,hde->bhqe", (2, 3, 4, 8), (3, 8, 6)),
        ("eck,bpc->bepk", (2, 5, 8), (3, 8, 6)),
        ("bnc,nk->bck", (2, 8, 5), (8, 6)),
    ],
)
def test_products_with_stored_weights_of_any_form_run(
    equation: str, given: tuple[int, ...], weight: tuple[int, ...]
) -> None:
    with seeded(0):
        x, stored = torch.randn(given), torch.randn(weight)
        stored *= torch.rand(weight) < 0.5
    swapped = equation[0] == "e"
    model = Function(lambda x, w: torch.einsum(equation, w, x) if swapped else torch.einsum(equation, x, w), w=stored)
    assert_close(model, quantise_mixed(model, (x,)), x)


class Tagger(nn.Module):
    """A recurrent layer, here any, with a layer behind it for each step."""

    def __init__(self, layer: nn.RNNBase, features: int) -> None:
        super().__init__()
        self.layer, self.head = layer, nn.Linear(features, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.head(self.layer(x)[0])
        return result


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize(
    ("layer", "features", "programs"),
    [
        (nn.LSTM(4, 8, bias=False, bidirectional=True), 16, 4),
        (nn.LSTM(4, 8, proj_size=3), 3, 3),
        (nn.GRU(4, 8, num_layers=2, batch_first=True), 8, 4),
        (nn.RNN(4, 8, nonlinearity="relu"), 8, 2),
    ],
)
def test_steps_of_a_recurrent_layer_share_a_program(layer: nn.RNNBase, features: int, programs: int) -> None:
    with seeded(0):
        model = Tagger(layer, features).eval()
        layer.reset_parameters()
        x = torch.randn(3, 2, 4)
    graphs = assert_close(model, quantise_mixed(model, (x,)), x)
    assert len({id(graph) for graph in graphs}) == programs + 1


def test_activations_that_are_no_clamp_are_the_hosts_by_name() -> None:
    kinds = (nn.SiLU(), nn.Hardswish(), nn.GELU(), nn.Sigmoid(), nn.Tanh(), nn.ELU(), nn.Mish())
    with seeded(0):
        model = nn.Sequential(*[layer for kind in kinds for layer in (nn.Linear(8, 8), kind)], nn.Linear(8, 3))
        x = torch.randn(4, 8)
    quantised = quantise_mixed(model, (x,))
    assert_close(model, quantised, x)
    names = ("silu", "hardswish", "gelu", "sigmoid", "tanh", "elu", "mish")
    assert host_operators(quantised.network) == dict.fromkeys(names, 1)
    listed = describe(model, x).host_operators
    assert [(each.operator, each.fused) for each in listed] == [(f"aten.{name}", False) for name in names]


class Rounded(nn.Module):
    """A linear layer as PT2E leaves it: rounded activations and stored integers."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", torch.randint(-127, 128, (8, 16), dtype=torch.int8))
        self.register_buffer("scales", torch.linspace(0.01, 0.02, 8))
        self.register_buffer("zeros", torch.zeros(8, dtype=torch.int64))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        ops = torch.ops.quantized_decomposed
        x = ops.quantize_per_tensor(x, 0.02, 3, -128, 127, torch.int8)
        x = ops.dequantize_per_tensor(x, 0.02, 3, -128, 127, torch.int8)
        weight = ops.dequantize_per_channel(self.weight, self.scales, self.zeros, 0, -127, 127, torch.int8)
        return nn.functional.linear(x, weight)


def test_activations_that_a_model_rounds_run() -> None:
    pytest.importorskip("torch.ao.quantization.fx._decomposed")
    with seeded(0):
        model, x = Rounded(), torch.randn(3, 16)
    assert_close(model, quantise_mixed(model, (x,)), x)


def test_numbers_that_are_not_finite_are_refused() -> None:
    x = -torch.ones(1, 4)
    quantised = quantise_mixed(Function(lambda x, weight: torch.log(x) @ weight, weight=torch.eye(4)), (x,))
    with pytest.raises(InputError, match=r"layer \w+: expected finite numbers; the host's operators .* others$"):
        run(quantised)
