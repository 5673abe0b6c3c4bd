"""Modules as layers: their sizes against PyTorch's own counter, their zeros against the weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from skipbeat_arch.errors import InputError
from skipbeat_arch.model import LayerKind
from skipbeat_arch.workload import Convolution
from skipbeat_models.scheme import Scheme
from tests.models.sources.described import Function, describe


def macs(model: nn.Module, *inputs: torch.Tensor) -> int:
    """PyTorch's count: two operations are one multiply-accumulate."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.train()(*inputs)  # in evaluation some modules run a kernel that is not counted
    return int(counter.get_total_flops()) // 2


CONVOLUTIONS = {
    "plain": (nn.Conv2d(3, 8, 3, padding=1), (2, 3, 9, 7), LayerKind.CONVOLUTION),
    "strided": (nn.Conv2d(4, 8, (3, 5), stride=(2, 3), padding=(1, 0)), (1, 4, 11, 12), LayerKind.CONVOLUTION),
    "dilated": (nn.Conv2d(4, 4, 3, dilation=2, padding=2), (1, 4, 8, 8), LayerKind.CONVOLUTION),
    "grouped": (nn.Conv2d(8, 12, 3, groups=4), (1, 8, 6, 6), LayerKind.GROUPED),
    "depthwise": (nn.Conv2d(6, 12, 3, groups=6), (1, 6, 6, 6), LayerKind.DEPTHWISE),
    "one-dimensional": (nn.Conv1d(4, 6, 3, stride=2, dilation=2), (3, 4, 15), LayerKind.CONVOLUTION),
    "same, odd padding": (nn.Conv2d(3, 4, (4, 2), padding="same"), (1, 3, 6, 6), LayerKind.CONVOLUTION),
    "valid": (nn.Conv2d(3, 4, 2, padding="valid"), (1, 3, 6, 6), LayerKind.CONVOLUTION),
    "without batch": (nn.Conv2d(3, 4, 3), (3, 6, 6), LayerKind.CONVOLUTION),
}


@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_convolution(case: str) -> None:
    model, shape, kind = CONVOLUTIONS[case]
    found = describe(model, torch.zeros(shape))
    (layer,) = found.layers
    assert layer.kind == kind
    result = model(torch.zeros(shape))
    assert layer.macs_dense == result.numel() * model.weight[0].numel()
    (part,) = layer.parts
    assert isinstance(part.workload, Convolution)
    expected = part.workload.gemm
    groups = model.groups
    shape_of_zeros = (expected.c, expected.k) if groups == 1 else (groups, expected.c, expected.k)
    nonzero = part.weight.nonzero()
    assert nonzero.shape == shape_of_zeros
    assert (str(layer.pattern), layer.density) == ("dense", nonzero.mean())


PRODUCTS: dict[str, tuple[nn.Module, list[tuple[int, ...]]]] = {
    "linear": (nn.Linear(8, 5), [(2, 3, 8)]),
    "matmul": (Function(torch.matmul), [(2, 3, 4, 5), (2, 3, 5, 6)]),
    "stretched": (Function(torch.matmul), [(2, 1, 4, 5), (3, 5, 6)]),
    "bmm": (Function(torch.bmm), [(3, 4, 5), (3, 5, 6)]),
    "baddbmm": (Function(torch.baddbmm), [(3, 4, 6), (3, 4, 5), (3, 5, 6)]),
    "einsum": (Function(lambda x, y: torch.einsum("bhid,bhjd->bhij", x, y)), [(2, 3, 4, 5), (2, 3, 6, 5)]),
    "einsum with dots": (Function(lambda x, y: torch.einsum("...id,jd->...ij", x, y)), [(2, 3, 4, 5), (6, 5)]),
    "einsum of three": (Function(lambda x, y, z: torch.einsum("ij,jk,kl->il", x, y, z)), [(3, 4), (4, 5), (5, 6)]),
    "tensordot": (Function(lambda x, y: torch.tensordot(x, y, 2)), [(3, 4, 5), (4, 5, 6)]),
    "addmm": (Function(torch.addmm), [(3, 5), (3, 4), (4, 5)]),
    "attention": (Function(functional.scaled_dot_product_attention), [(2, 4, 6, 8), (2, 4, 7, 8), (2, 4, 7, 5)]),
    "encoder": (nn.TransformerEncoderLayer(16, 4, 32, batch_first=True), [(2, 6, 16)]),
}


@pytest.mark.parametrize("case", PRODUCTS)
def test_products_are_pytorchs(case: str) -> None:
    model, shapes = PRODUCTS[case]
    inputs = [torch.rand(shape) for shape in shapes]
    found = describe(model, *inputs)
    assert sum(layer.macs_dense for layer in found.layers) == macs(model, *inputs)
    assert all(layer.stored == (layer.kind == LayerKind.LINEAR) for layer in found.layers)


def test_weights_of_any_product_are_stored() -> None:
    left = torch.zeros(6, 4)
    left[:, ::2] = 1
    (layer,) = describe(Function(lambda x, w: w @ x, w=left), torch.zeros(4, 5)).layers
    assert (layer.kind, str(layer.pattern)) == (LayerKind.LINEAR, "2:4")
    np.testing.assert_array_equal(layer.parts[0].weight.nonzero(), (left != 0).numpy().T)

    experts = torch.ones(3, 4, 2)
    experts[1, :2] = 0
    (layer,) = describe(
        Function(lambda x, w: torch.einsum("etc,eck->etk", x, w), w=experts), torch.zeros(3, 5, 4)
    ).layers
    assert [part.workload.macs for part in layer.parts] == [40] * 3
    np.testing.assert_array_equal(layer.parts[1].weight.nonzero(), (experts[1] != 0).numpy())
    assert layer.density == pytest.approx(20 / 24)


def test_a_vector_is_a_matrix() -> None:
    found = describe(Function(torch.matmul), torch.zeros(3, 4, 5), torch.zeros(5))
    assert [layer.macs_dense for layer in found.layers] == [60]
    found = describe(Function(torch.matmul), torch.zeros(5), torch.zeros(5, 6))
    assert [layer.macs_dense for layer in found.layers] == [30]


def test_a_product_over_one_is_a_product_and_an_outer_sum_is_none() -> None:
    """Attention over a single key, and a layer of one channel, sum one product each."""
    found = describe(Function(torch.matmul), torch.zeros(4, 1), torch.zeros(1, 6))
    assert [layer.macs_dense for layer in found.layers] == [24]
    found = describe(Function(lambda x, y: torch.einsum("i,j->ij", x, y)), torch.zeros(4), torch.zeros(6))
    assert [(host.operator, host.elements) for host in found.host_operators] == [("aten.einsum", 24)]


def test_recurrent_layers_by_steps() -> None:
    found = describe(nn.LSTM(5, 8, num_layers=2, bidirectional=True, proj_size=3), torch.zeros(7, 2, 5))
    assert len(found.layers) == 2 * 2 * 3
    first = 7 * 2 * (5 * 32 + 3 * 32 + 8 * 3)
    second = 7 * 2 * (6 * 32 + 3 * 32 + 8 * 3)
    assert sum(layer.macs_dense for layer in found.layers) == 2 * (first + second)
    found = describe(nn.GRU(5, 8, batch_first=True, bias=False), torch.zeros(2, 7, 5))
    assert [(layer.parts[0].workload.macs, layer.parts[0].repeats) for layer in found.layers] == [
        (14 * 5 * 24, 1),
        (2 * 8 * 24, 7),
    ]
    assert [host.operator for host in found.host_operators] == ["aten.gru (gates)"]


def test_what_the_array_cannot_run_is_listed() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.GELU(),
        nn.Flatten(),
        nn.Linear(16, 4),
        nn.Softmax(-1),
    )
    found = describe(model, torch.zeros(2, 3, 6, 6))
    assert [(host.operator, host.elements, host.fused) for host in found.host_operators] == [
        ("aten.batch_norm", 128, True),
        ("aten.relu", 128, True),
        ("aten.max_pool2d", 32, True),
        ("aten.gelu", 32, False),
        ("aten.softmax", 8, False),
    ]
    assert [layer.name for layer in found.layers] == ["0", "6"]


def test_fusing_needs_the_layers_result_alone() -> None:
    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second, self.norm = nn.Linear(4, 4), nn.Linear(4, 4), nn.BatchNorm1d(4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.first(x)
            result: torch.Tensor = torch.relu(y) + self.second(y) + self.norm(torch.tanh(y))
            return result

    fused = {host.operator: host.fused for host in describe(Residual(), torch.zeros(2, 4)).host_operators}
    # `y` is needed as it is, so the host makes what is added to the second layer, which would need two inputs.
    # The normalisation is a node of its own.
    assert fused == {"aten.relu": False, "aten.add": False, "aten.tanh": False, "aten.batch_norm": True}


class Branch(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x if x.sum() > 0 else -x


class Conditional(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = torch.cond(x.sum() > 0, lambda y: y + 1, lambda y: y - 1, (x,))
        return result


class _Selected(nn.Linear):
    def __init__(self) -> None:
        super().__init__(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.new_zeros(int(x.sum().item()), 4))


def _not_finite(value: float) -> nn.Module:
    model = nn.Linear(4, 4)
    model.weight.data[1, 2] = value
    return model


BAD = {
    "branch": (Branch(), (3,), "model Branch does not export: .*way round"),
    "control flow": (Conditional(), (3,), "operator cond .*control flow"),
    "raises": (nn.Linear(4, 4), (5,), "model Linear does not export"),
    "rows that data selects": (_Selected(), (3, 4), "model _Selected does not export: a size .* depends on the data"),
    "NaN": (_not_finite(float("nan")), (1, 4), "its weight holds NaN or infinite values"),
    "infinite": (_not_finite(float("-inf")), (1, 4), "its weight holds NaN or infinite values"),
    "no rows": (nn.Linear(4, 4), (0, 4), "has no elements"),
    "no images": (nn.Conv2d(4, 4, 1), (0, 4, 2, 2), "has no elements"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_bad_models_are_one_line(case: str) -> None:
    model, shape, expected = BAD[case]
    with pytest.raises(InputError, match=expected) as caught:
        describe(model, torch.ones(shape))
    assert "\n" not in str(caught.value)


def test_a_weight_without_elements() -> None:
    model = nn.Linear(4, 1, bias=False)
    model.weight = nn.Parameter(torch.zeros(0, 4))
    with pytest.raises(InputError, match="has no elements"):
        describe(model, torch.ones(2, 4))


def test_large_finite_weights_are_finite() -> None:
    model = nn.Linear(4, 4)
    model.weight.data.fill_(3e38)
    assert describe(model, torch.ones(1, 4)).layers[0].density == 1


def test_a_scheme_must_name_layers_that_there_are() -> None:
    half = Scheme.parse("2:4").default
    with pytest.raises(InputError, match="no layer is called 'convolution'"):
        describe(nn.Linear(4, 4), torch.ones(1, 4), scheme=Scheme(half, (("convolution", half),)))


def test_constant_fan_in() -> None:
    scheme = Scheme(Scheme.parse("2:4").default, method="constant-fan-in")
    layer = describe(nn.Linear(32, 8), torch.ones(1, 32), scheme=scheme).layers[0]
    assert set(layer.parts[0].weight.nonzero().sum(axis=0).tolist()) == {16}
