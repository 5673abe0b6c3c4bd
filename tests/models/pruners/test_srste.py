"""SR-STE: the forward projection, the gradient of the paper, and what remains after training."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from skipbeat_arch.errors import InputError
from skipbeat_arch.pattern import Pattern
from skipbeat_models.masks import prune_mask
from skipbeat_models.pruners.layers import Grouping, prunable_layers
from skipbeat_models.pruners.srste import SparseWeight, sparse_training
from skipbeat_models.reduction import reduction_matrix
from skipbeat_models.scheme import Scheme
from tests.models.groups import fullest

PATTERN = Pattern.parse("2:4")


def test_forward_masks_and_gradient_is_straight_through_plus_decay() -> None:
    generator = torch.Generator().manual_seed(1)
    weight = torch.randn(5, 16, generator=generator, requires_grad=True)
    upstream = torch.randn(5, 16, generator=generator)
    mask = Grouping(PATTERN).mask(weight)
    masked = SparseWeight(Grouping(PATTERN), decay=0.25)(weight)
    assert torch.equal(masked, weight * mask)
    (gradient,) = torch.autograd.grad(masked, weight, upstream)
    torch.testing.assert_close(gradient, upstream + 0.25 * (~mask) * weight.detach())


def test_the_decay_of_the_public_code() -> None:
    """`NM-sparsity` adds 2e-4 · (1 - mask) · W to the gradient: a plus sign, so that masked weights shrink."""
    weight = torch.tensor([[4.0, -3.0, 2.0, -1.0]], requires_grad=True)
    (gradient,) = torch.autograd.grad(SparseWeight(Grouping(PATTERN))(weight), weight, torch.zeros(1, 4))
    torch.testing.assert_close(gradient, torch.tensor([[0.0, 0.0, 4e-4, -2e-4]]))


def test_one_sgd_step_is_the_papers_update() -> None:
    layer = nn.Linear(8, 3, bias=False)
    before = layer.weight.detach().clone()
    mask = Grouping(PATTERN).mask(before)
    x = torch.randn(4, 8, generator=torch.Generator().manual_seed(2))
    with sparse_training(layer, PATTERN, decay=0.1):
        optimiser = torch.optim.SGD(layer.parameters(), lr=0.5)
        torch.autograd.backward(layer(x).square().sum())
        optimiser.step()
        after = dict(layer.named_parameters())["parametrizations.weight.original"].detach().clone()
    loss_gradient = 2 * (x @ (before * mask).t()).t() @ x
    torch.testing.assert_close(after, before - 0.5 * (loss_gradient + 0.1 * (~mask) * before))


@pytest.mark.parametrize("text", ["2:4", "1:8", "3:5", "unstructured:0.3", "block:0.5"])
def test_trained_weights_satisfy_the_pattern(text: str) -> None:
    pattern = Pattern.parse(text)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = nn.Sequential(nn.Conv2d(2, 8, 3), nn.ReLU(), nn.Conv2d(8, 20, 3), nn.Flatten(), nn.Linear(80, 2))
        x = torch.randn(16, 2, 6, 6)
    layers = prunable_layers(model)
    before = {name: layer.weight.detach().clone() for name, layer in layers.items()}
    with sparse_training(model, pattern, order="cin,kh,kw", block=(16, 4)):
        optimiser = torch.optim.Adam(model.parameters(), 0.01)
        for _ in range(5):
            optimiser.zero_grad()
            torch.autograd.backward((model(x) - 1).square().mean())
            optimiser.step()
    assert torch.count_nonzero(layers["0"].weight) == layers["0"].weight.numel(), "the first convolution stays dense"
    for name, layer in layers.items():
        assert "weight" in dict(layer.named_parameters())
        assert not torch.equal(layer.weight != 0, torch.zeros_like(before[name], dtype=torch.bool))
        assert not torch.equal(layer.weight, before[name] * (layer.weight != 0)), "it has learnt"
        if name == "0":
            continue
        matrix = reduction_matrix(layer.weight.detach(), "cin,kh,kw")
        expected = prune_mask(matrix.numpy(), pattern, (16, 4))
        assert torch.equal(matrix, matrix * torch.from_numpy(expected))
        if pattern.kind == "nm":
            assert fullest(matrix, pattern.m) == pattern.n


def test_weights_are_plain_again_after_an_error() -> None:
    layer = nn.Linear(8, 3)
    with pytest.raises(KeyboardInterrupt), sparse_training(layer, PATTERN):
        raise KeyboardInterrupt
    assert fullest(layer.weight.detach().t(), 4) == 2
    with pytest.raises(InputError, match="'x'"), sparse_training(layer, Scheme(PATTERN, (("x", PATTERN),))):
        raise AssertionError("not reached")
