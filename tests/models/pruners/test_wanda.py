"""Wanda: norms and choices against a computation that follows every multiplication of the layer."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import nn

from skipbeat_arch.errors import InputError
from skipbeat_arch.pattern import Pattern
from skipbeat_models.pruners.layers import prunable_layers
from skipbeat_models.pruners.wanda import input_norms, wanda_masks
from skipbeat_models.scheme import Scheme


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def brute_force_squares(layer: nn.Conv2d, x: torch.Tensor) -> torch.Tensor:
    """For each weight, the sum of the squares of all inputs that it is multiplied with."""
    images, _, height, width = x.shape
    out = layer(x).shape[-2:]
    squares = torch.zeros_like(layer.weight)
    outputs, per_group, kh, kw = layer.weight.shape
    for k, c, i, j in product(range(outputs), range(per_group), range(kh), range(kw)):
        channel = k // (outputs // layer.groups) * per_group + c
        for n, row, col in product(range(images), range(out[0]), range(out[1])):
            y = row * layer.stride[0] + i * layer.dilation[0] - int(layer.padding[0])
            z = col * layer.stride[1] + j * layer.dilation[1] - int(layer.padding[1])
            if 0 <= y < height and 0 <= z < width:
                squares[k, c, i, j] += x[n, channel, y, z] ** 2
    return squares.detach()


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(4, 6, 3, padding=1),
        nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(0, 2), groups=2),
        nn.Conv2d(4, 4, 3, dilation=(1, 2), stride=2, groups=4),
        nn.Conv2d(4, 2, 1, stride=3),
    ],
)
def test_norms_of_a_convolution(layer: nn.Conv2d) -> None:
    layer.double()
    calls = [draw(2, 4, 7, 6, seed=1), draw(1, 4, 5, 5, seed=2)]
    expected = sum(brute_force_squares(layer, x) for x in calls)
    assert isinstance(expected, torch.Tensor)
    norms = input_norms(layer, {"": layer}, calls)[""]
    torch.testing.assert_close(norms.expand_as(layer.weight), expected.sqrt())


def test_linear_scores_by_hand() -> None:
    layer = nn.Linear(4, 2)
    layer.weight.data = torch.tensor([[1.0, -2, 3, 4], [4, 3, -2, 1]])
    x = torch.tensor([[[8.0, 1, 1, 1], [6, 0, 0, 1]]])  # norms 10, 1, 1, sqrt(2)
    masks = wanda_masks(nn.Sequential(layer), "2:4", [x])
    assert masks["0"].tolist() == [[True, False, False, True], [True, True, False, False]]


def test_unstructured_compares_within_an_output() -> None:
    layer = nn.Linear(4, 2)
    layer.weight.data = torch.tensor([[100.0, 90, 80, 70], [1, 2, 3, 4]])
    mask = wanda_masks(nn.Sequential(layer), "unstructured:0.5", [torch.ones(3, 4)])["0"]
    assert mask.tolist() == [[True, True, False, False], [False, False, True, True]]


def test_the_scores_decide_in_a_network() -> None:
    model = nn.Sequential(
        nn.Conv2d(2, 8, 3), nn.ReLU(), nn.Dropout(), nn.Conv2d(8, 8, 3), nn.Flatten(), nn.Linear(72, 5)
    ).double()
    x = draw(4, 2, 7, 7)
    masks = wanda_masks(model, Scheme.everywhere(Pattern.parse("1:4")), [(x[:1],), x[1:]])
    assert model.training, "the mode is put back"
    assert all(not layer._forward_pre_hooks for layer in prunable_layers(model).values())
    model.eval()
    seen, last = model[:5](x), model[5]
    assert isinstance(last, nn.Linear)
    score = (last.weight.abs() * seen.square().sum(dim=0).sqrt()).reshape(5, 18, 4)
    best = torch.zeros_like(score, dtype=torch.bool).scatter_(2, score.argmax(dim=2, keepdim=True), True)
    assert torch.equal(masks["5"], best.reshape(5, 72))


class Unused(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.used = nn.Linear(4, 4)
        self.unused = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.used(x)
        return result


def test_calibration_that_says_nothing() -> None:
    with pytest.raises(InputError, match=r"layer 'unused': .* they never reach it"):
        wanda_masks(Unused(), "2:4", [torch.ones(1, 4)])
    with pytest.raises(InputError, match=r"layer 'used': .* they are empty"):
        wanda_masks(Unused(), "2:4", [])
    with pytest.raises(InputError, match="finite"):
        wanda_masks(
            Unused(),
            Scheme(Pattern.parse("2:4"), (("unused", Pattern.parse("dense")),)),
            [torch.full((1, 4), torch.inf)],
        )
    same = nn.Sequential(nn.Conv2d(4, 4, 3, padding="same"))
    with pytest.raises(InputError, match="layer '0': expected padding by a number of zeros, not 'same'"):
        wanda_masks(same, Scheme.everywhere(Pattern.parse("2:4")), [torch.ones(1, 4, 5, 5)])
