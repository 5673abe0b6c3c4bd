"""Weights that follow from stored tensors are weights: masks, norms, merges, integers with scales, permutations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import prune
from torch.nn.utils.parametrizations import orthogonal, spectral_norm, weight_norm

from skipbeat_models.sources import from_module, load_source

from .described import Function, describe

Tensor = torch.Tensor


def two_of_four(rows: int = 32, columns: int = 64) -> Tensor:
    """A weight 2:4 along its columns."""
    weight = torch.randn(rows * columns // 4, 4, generator=torch.Generator().manual_seed(0))
    return weight.scatter(1, weight.abs().topk(2, 1, largest=False).indices, 0.0).reshape(rows, columns)


W = two_of_four()
FULL = torch.where(W == 0, 1.0, W)
ORDER = torch.randperm(64, generator=torch.Generator().manual_seed(1))
ROWS = torch.arange(32)[:, None]
SCALE = torch.full((32, 1), 0.02)
INTEGERS = (W / SCALE).round().clamp(-127, 127).to(torch.int8)


class Stored(nn.Module):
    """A linear layer whose weight a function computes from buffers."""

    def __init__(self, weight: Callable[..., Tensor], *buffers: Tensor) -> None:
        super().__init__()
        self.weight_of = weight
        for index, buffer in enumerate(buffers):
            self.register_buffer(f"b{index}", buffer)

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.weight_of(*self.buffers()))


def _cleared(weight: Tensor) -> Tensor:
    weight[:, 0].zero_()
    return weight


def _into_zeros(weight: Tensor, places: Tensor, kept: Tensor) -> Tensor:
    return torch.zeros_like(weight).index_put((places,), kept)


def _dequantised(integers: Tensor, scale: Tensor) -> Tensor:
    zeros = torch.zeros(32, dtype=torch.int64)
    found = torch.ops.quantized_decomposed.dequantize_per_channel(
        integers, scale.flatten(), zeros, 0, -127, 127, torch.int8
    )
    assert isinstance(found, Tensor)
    return found


COMPUTED: dict[str, tuple[Callable[..., Tensor], tuple[Tensor, ...]]] = {
    "where": (lambda keep, w: torch.where(keep, w, 0.0), (W != 0, FULL)),
    "masked_fill": (lambda drop, w: w.masked_fill(drop, 0.0), (W == 0, FULL)),
    "through a view": (lambda w: _cleared(w.clone()), (torch.cat([FULL[:, :1], W[:, 1:]], 1),)),
    "in place": (lambda drop, w: w.clone().masked_fill_(drop, 0.0), (W == 0, FULL)),
    "index": (lambda order, w: w[:, order], (ORDER.argsort(), W[:, ORDER])),
    "index_put": (_into_zeros, (FULL, W != 0, W[W != 0])),
    "gather": (lambda order, w: w.gather(1, order.expand(32, 64)), (ORDER.argsort()[None], W[:, ORDER])),
    "cat": (lambda a, b: torch.cat([a, b]), (W[:16], W[16:])),
    "stack": (lambda a, b: torch.stack([a, b], 1).flatten(0, 1), (W[::2], W[1::2])),
    "add": (lambda a, b: a + b, (FULL, W - FULL)),
    "sign": (lambda w: torch.sign(w), (W,)),
    "threshold": (lambda w: w * (w.abs() > 0.5), (torch.where(W == 0, 0.1, W.sign()),)),
    "norm": (lambda g, v: g * v / v.norm(dim=1, keepdim=True), (SCALE, W)),
    "rank": (lambda b, a, w: w + 2.0 * (b @ a), (torch.zeros(32, 2), torch.ones(2, 64), W)),
    "fake_quantise": (lambda w: torch.fake_quantize_per_tensor_affine(w, 0.03, 0, -128, 127), (W,)),
    "dequantise": (lambda q, s: q.to(torch.float32) * s, (INTEGERS, SCALE)),
    "half": (lambda q, s: (q.half() * s.half()).float(), (INTEGERS, SCALE)),
    "eighth": (lambda w, s: w.to(torch.float32) * s, (W.to(torch.float8_e4m3fn), SCALE)),
    "decomposed": (_dequantised, (INTEGERS, SCALE)),
    "unpacked": (
        lambda p: torch.stack([p & 15, p >> 4], -1).flatten(1).to(torch.float32) - 8,
        (
            (INTEGERS[:, ::2].clamp(-8, 7) + 8).to(torch.uint8)
            | ((INTEGERS[:, 1::2].clamp(-8, 7) + 8).to(torch.uint8) << 4),
        ),
    ),
    "kthvalue": (lambda w: w * (w.abs() > w.abs().flatten().kthvalue(1024).values), (W,)),
    "nanmedian": (lambda w: w * (w.abs() > w.abs().nanmedian()), (W,)),
    "bucketize": (lambda w: torch.bucketize(w.sign(), torch.tensor([-0.5, 0.5])).float() - 1, (W,)),
    "fft": (lambda w: (torch.fft.ifft2(torch.fft.fft2(w)).real * 1e3).round(), (W,)),
    "pinv": (lambda w: w * (torch.linalg.pinv(w).norm() > 0), (W,)),
    "layer_norm": (lambda w: w * functional.layer_norm(w, [64]), (W,)),
    "avg_pool2d": (lambda w: w * functional.avg_pool2d(w.abs()[None], 3, 1, 1)[0], (W,)),
    "interpolate": (lambda w: functional.interpolate(w[None, None], scale_factor=2)[0, 0, ::2, ::2], (W,)),
    "scatter_reduce": (lambda o, w: torch.zeros(32, 64).scatter_reduce(0, o.expand(32, 64), w, "sum"), (ROWS, W)),
    "hamming_window": (lambda w: w * torch.hamming_window(64), (W,)),
    "permuted": (lambda w: w.view(2, 16, 64).permute(1, 0, 2).contiguous().view(32, 64), (W,)),
}


@pytest.mark.parametrize("kind", COMPUTED)
def test_a_computed_weight_has_its_zeros(kind: str) -> None:
    if kind == "decomposed":
        pytest.importorskip("torch.ao.quantization.fx._decomposed")
    weight, buffers = COMPUTED[kind]
    (layer,) = describe(Stored(weight, *buffers), torch.randn(8, 64)).layers
    assert (layer.kind, str(layer.pattern), layer.macs_dense) == ("linear", "2:4", 8 * 32 * 64)
    assert layer.stored


@pytest.mark.parametrize("form", ["Int8WeightOnlyConfig", "Float8WeightOnlyConfig"])
def test_a_weight_of_a_type_of_its_own_is_a_weight(form: str) -> None:
    torchao = pytest.importorskip("torchao.quantization")
    model = nn.Sequential(nn.Linear(64, 32))
    model[0].weight = nn.Parameter(W)
    torchao.quantize_(model, getattr(torchao, form)())
    (layer,) = describe(model, torch.randn(8, 64)).layers
    assert (layer.name, layer.kind, str(layer.pattern), layer.stored) == ("0", "linear", "2:4", True)


def test_an_exported_module_is_a_module() -> None:
    x = torch.randn(8, 64)
    program = torch.export.export(nn.Sequential(nn.Linear(64, 32)), (x,))
    (layer,) = describe(program.module(), x).layers
    assert (layer.name, layer.macs_dense) == ("0", 8 * 64 * 32)


def test_parametrised_layers_are_layers() -> None:
    model = nn.Sequential(
        weight_norm(nn.Conv1d(8, 16, 7, padding=3)),
        weight_norm(nn.ConvTranspose1d(16, 8, 4, 2, padding=1)),
        spectral_norm(nn.Conv1d(8, 8, 3)),
        nn.Sequential(nn.Conv1d(8, 4, 3)),
        orthogonal(nn.Linear(60, 60)),
    )
    found = describe(model, torch.randn(1, 8, 32)).layers
    assert [(layer.name, layer.macs_dense) for layer in found] == [
        ("0", 8 * 16 * 7 * 32),
        ("1", 16 * 8 * 4 * 32),
        ("2", 8 * 8 * 3 * 62),
        ("3.0", 8 * 4 * 3 * 60),
        ("4", 4 * 60 * 60),
    ]
    assert all(layer.stored for layer in found)


class Reparametrised(nn.Module):
    """RepVGG as it is merged in the forward: a 1x1 kernel padded and added to a 3x3 one, both scaled by their norms."""

    def __init__(self) -> None:
        super().__init__()
        self.dense, self.point = nn.Conv2d(8, 8, 3, bias=False), nn.Conv2d(8, 8, 1, bias=False)
        self.norm = nn.BatchNorm2d(8)

    def forward(self, x: Tensor) -> Tensor:
        variance = self.norm.running_var
        assert variance is not None
        scale = self.norm.weight / torch.sqrt(variance + 1e-5)
        kernel = self.dense.weight + functional.pad(self.point.weight, [1, 1, 1, 1])
        return functional.conv2d(x, kernel * scale[:, None, None, None], padding=1)


def test_a_kernel_merged_in_the_forward_is_one_layer() -> None:
    (layer,) = describe(Reparametrised().eval(), torch.randn(1, 8, 6, 6)).layers
    assert (layer.kind, layer.macs_dense) == ("conv", 8 * 8 * 9 * 36)


def test_masks_of_prune_are_applied() -> None:
    model = nn.Sequential(nn.Linear(64, 64), nn.Conv1d(8, 8, 3))
    pruners: tuple[Any, ...] = (prune.L1Unstructured, prune.RandomUnstructured)
    for layer, pruner in zip(model, pruners, strict=True):
        pruner.apply(layer, "weight", amount=0.5)
    prune_outputs: Any = prune.LnStructured
    prune_outputs.apply(model[0], "weight", amount=0.25, n=2, dim=0)
    layers = describe(model, torch.randn(8, 64)).layers
    assert [layer.name for layer in layers] == ["0", "1"]
    assert layers[0].density < 0.5
    assert layers[1].density == layers[1].parts[0].weight.nonzero().mean()
    assert 0.48 < layers[1].density <= 0.5


def test_a_product_of_stored_tensors_that_is_no_weight_runs() -> None:
    queries = nn.Parameter(torch.randn(1, 5, 16))

    class Latent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.queries, self.q, self.k = queries, nn.Linear(16, 16, bias=False), nn.Linear(16, 16, bias=False)

        def forward(self, x: Tensor) -> Tensor:
            return functional.scaled_dot_product_attention(self.q(self.queries), self.k(x), x)

    found = from_module(Latent(), (torch.randn(1, 9, 16),), name="model")
    assert [(layer.name, layer.macs_dense) for layer in found.layers] == [
        ("q", 5 * 16 * 16),
        ("k", 9 * 16 * 16),
        ("query-key", 5 * 16 * 9),
        ("score-value", 5 * 16 * 9),
    ]


def test_a_table_of_positions_times_a_weight_runs() -> None:
    def relative(x: Tensor, w: Tensor) -> Tensor:
        table = torch.outer(torch.arange(9.0), torch.arange(16.0)).sin()
        return x @ torch.einsum("th,hk->tk", table, w).t()

    found = describe(Function(relative, w=torch.randn(16, 16)), torch.randn(4, 16))
    assert [layer.macs_dense for layer in found.layers] == [9 * 16 * 16, 4 * 16 * 9]


def test_weights_without_values_stay_without() -> None:
    with torch.device("meta"):
        model = weight_norm(nn.Linear(16, 16))
        (layer,) = from_module(model, (torch.randn(2, 16),), name="model").layers
    assert (layer.macs_dense, str(layer.pattern)) == (2 * 16 * 16, "dense")


def test_an_activation_stays_one() -> None:
    found = describe(Function(lambda x, w: functional.linear(x, w * x.mean()), w=W), torch.randn(8, 64))
    assert [layer.kind for layer in found.layers] == ["matmul"]


class Cached(nn.Module):
    """Attention over keys that lie in a buffer; each call writes one of them."""

    def __init__(self, write: Callable[[torch.Tensor, torch.Tensor], object]) -> None:
        super().__init__()
        self.write, self.key = write, nn.Linear(16, 16)
        self.register_buffer("keys", torch.zeros(1, 32, 16))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        keys = self.get_buffer("keys")
        self.write(keys, self.key(x))
        scores: torch.Tensor = (x @ keys.transpose(1, 2)).softmax(-1)
        return scores


@pytest.mark.parametrize("exported", [False, True])
@pytest.mark.parametrize(
    "write",
    [lambda keys, key: keys[:, 5:6].copy_(key), lambda keys, key: keys.index_copy_(1, torch.tensor([5]), key)],
    ids=["through a view", "itself"],
)
def test_a_cache_that_is_written_is_no_weight(
    write: Callable[[torch.Tensor, torch.Tensor], object], exported: bool, tmp_path: Path
) -> None:
    model, x = Cached(write).eval(), torch.ones(1, 1, 16)
    if exported:
        torch.export.save(torch.export.export(model, (x,)), tmp_path / "cached.pt2")
        found = load_source(str(tmp_path / "cached.pt2"))
    else:
        found = describe(model, x)
    assert [(layer.macs_dense, layer.stored) for layer in found.layers] == [(16 * 16, True), (16 * 32, False)]
    assert found.layers[1].density == 1
