"""The zeros of a module's weights: measured, along the axis that they show, read when they are needed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from skipbeat_arch.workload import Convolution
from skipbeat_models.scheme import Scheme
from tests.models.sources.described import describe


@pytest.mark.parametrize(
    ("order", "shape"), [("kh,kw,cin", (8, 8, 3, 3)), ("cin,kh,kw", (8, 8, 3, 3)), ("kh,kw,cin", (8, 8, 1, 1))]
)
@pytest.mark.parametrize("seed", range(4))
def test_the_grouping_axis_follows_from_the_zeros(order: str, shape: tuple[int, ...], seed: int) -> None:
    torch.manual_seed(seed)
    model = nn.Conv2d(shape[1], shape[0], (shape[2], shape[3]), bias=False)
    axes = (0, 2, 3, 1) if order == "kh,kw,cin" else (0, 1, 2, 3)
    rows = model.weight.detach().permute(axes).reshape(shape[0], -1, 4).contiguous()
    rows.scatter_(2, rows.abs().topk(2, dim=2, largest=False).indices, 0)
    back = rows.reshape([shape[axis] for axis in axes]).permute([axes.index(axis) for axis in range(4)])
    model.weight.data = back.contiguous()
    (layer,) = describe(model, torch.zeros(1, 8, 5, 5)).layers
    assert str(layer.pattern) == "2:4"
    load = layer.parts[0].workload
    assert isinstance(load, Convolution)
    assert load.order == order
    expected = rows.reshape(shape[0], -1).t() != 0
    np.testing.assert_array_equal(layer.parts[0].weight.nonzero(), expected.numpy())


def test_zeros_along_the_outputs_are_noted() -> None:
    model = nn.Linear(64, 64, bias=False)
    weight = torch.zeros(64, 64)
    picks = torch.rand(16, 4, 64).argsort(1)[:, :2]
    weight.view(16, 4, 64).scatter_(1, picks, 1.0)  # 2:4 along the outputs
    model.weight.data = weight
    (note,) = describe(model, torch.zeros(1, 64)).notes
    assert "zeros are 2:4 along the outputs" in note
    model.weight.data = weight.t().contiguous()
    assert not describe(model, torch.zeros(1, 64)).notes


def test_equal_zeros_are_priced_once() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.inner, self.head = nn.Embedding(8, 8), nn.Linear(8, 8), nn.Linear(8, 8)
            self.head.weight = self.embedding.weight

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            result: torch.Tensor = self.head(self.inner(functional.linear(self.embedding(x), self.head.weight)))
            return result

    model = Tied()
    model.head.weight.data = torch.ones(8, 8)
    model.head.weight.data[:, 1] = 0
    layers = describe(model, torch.zeros(2, dtype=torch.int64)).layers
    keys = [layer.parts[0].weight.key for layer in layers]
    assert keys[0] == keys[2] != keys[1]
    assert layers[1].name == "inner"


@pytest.mark.parametrize("pattern", ["2:4", "unstructured:0.25", "block:0.5"])
def test_a_copy_is_pruned(pattern: str) -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.Conv2d(8, 64, 3), nn.Conv2d(64, 64, 1, groups=2), nn.ConvTranspose2d(64, 8, 3, 2)
    )
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    found = describe(model.train(), torch.zeros(1, 3, 8, 8), scheme=Scheme.parse(pattern))
    assert found.layers[0].density == 1
    wanted = Scheme.parse(pattern).default.density
    if not pattern.startswith("block"):
        assert [layer.density for layer in found.layers[1:]] == pytest.approx([wanted] * 3, abs=0.01)
    assert all(0 < layer.density < 1 for layer in found.layers[1:])
    if pattern == "2:4":
        assert {str(layer.pattern) for layer in found.layers[1:]} == {"2:4"}
    for layer in found.layers:  # some of the smallest weights that stay are zero in int8
        count = sum(int(part.weight.nonzero().sum()) for part in layer.parts)
        assert 0.97 <= count / (layer.density * sum(part.weight.nonzero().size for part in layer.parts)) <= 1
    assert model.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_shapes_are_enough() -> None:
    def build() -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(3, 8, 3),
            nn.ReLU(),
            nn.Conv2d(8, 8, 3),
            nn.Conv2d(8, 8, 3, padding=1),
            nn.Flatten(),
            nn.Linear(128, 4),
        )

    with torch.device("meta"):
        model, image = build(), torch.zeros(1, 3, 8, 8)
    found, real = describe(model, image), describe(build(), torch.zeros(1, 3, 8, 8))
    assert [layer.shape for layer in found.layers] == [layer.shape for layer in real.layers]
    assert all(layer.density == 1 for layer in found.layers)
    pruned = describe(model, image, scheme=Scheme.parse("1:4"), seed=3)
    assert [str(layer.pattern) for layer in pruned.layers] == ["dense", "1:4", "1:4", "1:4"]
    second, third = (layer.parts[0].weight for layer in pruned.layers[1:3])
    assert second.key == third.key
    np.testing.assert_array_equal(second.nonzero(), third.nonzero())
    assert second.nonzero().mean() == 0.25
    assert "drawn from the seed" in pruned.notes[0]
    other = describe(model, image, scheme=Scheme.parse("1:4"), seed=4).layers[1].parts[0].weight
    assert other.key != second.key
    assert (other.nonzero() != second.nonzero()).any()


def test_zeros_beyond_what_is_kept_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from skipbeat_models.sources.pruned_weights import zeros

    monkeypatch.setattr(zeros, "_KEPT_BYTES", 0)
    model = nn.Conv2d(16, 8, 3, bias=False)
    model.weight.data[:, ::2] = 0
    model.weight.data[:, 1::4] = 1e-3  # less than half a unit of int8
    model.weight.data[:, 3] = 1
    (layer,) = describe(model, torch.zeros(1, 16, 5, 5), scheme=Scheme.parse("dense")).layers
    expected = model.weight.detach().permute(2, 3, 1, 0).reshape(-1, 8).abs() > 1 / 254
    np.testing.assert_array_equal(layer.parts[0].weight.nonzero(), expected.numpy())


def test_a_stated_pattern_is_checked() -> None:
    model = nn.Sequential(nn.Linear(8, 4, bias=False), nn.Linear(4, 4, bias=False))
    model[0].weight.data = torch.tensor([[1.0, 1, 0, 0] * 2] * 4)
    model[0].weight.data[1, 2] = 5
    found = describe(model, torch.zeros(1, 8), stated=Scheme.parse("2:4").default)
    assert "layer 0: 1 of 8 groups break the stated 2:4" in found.notes[0]
    assert "layer 1: dense, although 2:4 was stated" in found.notes[1]
    assert found.layers[0].density == pytest.approx(17 / 32)
