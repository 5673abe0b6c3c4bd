"""BDWP: both passes against a computation in NumPy that follows the paper's equations, and what remains."""

from __future__ import annotations

from copy import deepcopy
from itertools import product

import numpy as np
import pytest
import torch
from torch import nn

from skipbeat_arch.arrays import FloatArray
from skipbeat_arch.errors import InputError
from skipbeat_arch.pattern import Pattern
from skipbeat_models.digits_data import DigitsData
from skipbeat_models.pruners.bdwp import backward_mask, bidirectional_training, forward_mask
from skipbeat_models.recipes import DIGITS_CNN
from skipbeat_models.scheme import Scheme
from skipbeat_models.training import evaluate, train
from tests.models.groups import fullest

PATTERN = Pattern.parse("2:4")


def keep(groups: FloatArray) -> FloatArray:
    """The two largest magnitudes of each row of four, the others zero."""
    pruned = np.zeros_like(groups)
    for row, values in enumerate(groups):
        for at in np.argsort(-np.abs(values), kind="stable")[:2]:
            pruned[row, at] = values[at]
    return pruned


def test_linear_gradients_by_hand() -> None:
    random = np.random.default_rng(1)
    weight, x, g = (random.standard_normal(shape) for shape in ((8, 12), (5, 12), (5, 8)))
    layer = nn.Linear(12, 8).double()
    layer.weight.data = torch.from_numpy(weight.copy())
    bias = layer.bias.detach().numpy().copy()
    inputs = torch.from_numpy(x).requires_grad_()
    ahead = keep(weight.reshape(-1, 4)).reshape(8, 12)  # groups of four inputs of one output
    back = keep(weight.T.reshape(-1, 4)).reshape(12, 8).T  # groups of four outputs of one input
    assert not np.array_equal(ahead, back)
    with bidirectional_training(layer, PATTERN):
        y = layer(inputs)
        torch.autograd.backward(y, torch.from_numpy(g))
    np.testing.assert_allclose(y.detach().numpy(), x @ ahead.T + bias)
    assert inputs.grad is not None
    assert layer.weight.grad is not None
    np.testing.assert_allclose(inputs.grad.numpy(), g @ back)
    np.testing.assert_allclose(layer.weight.grad.numpy(), g.T @ x)
    torch.testing.assert_close(layer.bias.grad, torch.from_numpy(g.sum(axis=0)))
    np.testing.assert_array_equal(layer.weight.detach().numpy(), ahead)


@pytest.mark.parametrize("groups", [1, 2])
def test_convolution_gradients_by_hand(groups: int) -> None:
    random = np.random.default_rng(2)
    c_in, c_out, stride, pad = 8, 16, 2, 1
    weight = random.standard_normal((c_out, c_in // groups, 3, 3))
    x = random.standard_normal((2, c_in, 5, 6))
    layer = nn.Conv2d(c_in, c_out, 3, stride=stride, padding=pad, groups=groups, bias=False).double()
    layer.weight.data = torch.from_numpy(weight.copy())
    ahead = keep(weight.transpose(0, 2, 3, 1).reshape(-1, 4)).reshape(c_out, 3, 3, -1).transpose(0, 3, 1, 2)
    split = weight.reshape(groups, c_out // groups, c_in // groups, 3, 3)
    back = keep(split.transpose(0, 2, 3, 4, 1).reshape(-1, 4)).reshape(groups, c_in // groups, 3, 3, -1)
    back = back.transpose(0, 4, 1, 2, 3).reshape(weight.shape)
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    g = random.standard_normal((2, c_out, 3, 3))
    y, dx, dw = np.zeros_like(g), np.zeros_like(padded), np.zeros_like(weight)
    for k, c, i, j, row, col in product(range(c_out), range(c_in // groups), *[range(3)] * 4):
        channel = k // (c_out // groups) * (c_in // groups) + c
        seen = padded[:, channel, row * stride + i, col * stride + j]
        y[:, k, row, col] += ahead[k, c, i, j] * seen
        dx[:, channel, row * stride + i, col * stride + j] += back[k, c, i, j] * g[:, k, row, col]
        dw[k, c, i, j] += (g[:, k, row, col] * seen).sum()
    inputs = torch.from_numpy(x).requires_grad_()
    with bidirectional_training(layer, Scheme.everywhere(PATTERN)):
        result = layer(inputs)
        torch.autograd.backward(result, torch.from_numpy(g))
    assert inputs.grad is not None
    assert layer.weight.grad is not None
    np.testing.assert_allclose(result.detach().numpy(), y)
    np.testing.assert_allclose(inputs.grad.numpy(), dx[:, :, pad:-pad, pad:-pad])
    np.testing.assert_allclose(layer.weight.grad.numpy(), dw)


def test_passes_with_patterns_of_their_own_and_an_estimated_gradient() -> None:
    generator = torch.Generator().manual_seed(4)
    layer = nn.Linear(8, 8, bias=False).double()
    x = torch.randn(6, 8, generator=generator, dtype=torch.float64, requires_grad=True)
    g = torch.randn(6, 8, generator=generator, dtype=torch.float64)
    weight = layer.weight.detach().clone()
    with bidirectional_training(layer, "dense", backward=Pattern.parse("1:4"), estimate=lambda dy: 3 * dy):
        torch.autograd.backward(layer(x), g)
    assert x.grad is not None
    torch.testing.assert_close(x.grad, g @ (weight * backward_mask(weight, Pattern.parse("1:4"))))
    torch.testing.assert_close(layer.weight.grad, 3 * g.t() @ x.detach())
    assert torch.equal(layer.weight.detach(), weight), "the forward pass is dense, and so is what remains"


def test_masks_lie_along_each_passs_reduction_axis() -> None:
    weight = torch.randn(16, 8, 3, 3, generator=torch.Generator().manual_seed(3))
    ahead, back = forward_mask(weight, PATTERN), backward_mask(weight, PATTERN)
    assert bool((ahead.reshape(16, 2, 4, 3, 3).sum(dim=2) == 2).all())
    assert bool((back.reshape(4, 4, 8, 3, 3).sum(dim=1) == 2).all())


def test_the_dense_weights_learn_and_the_forward_ones_remain() -> None:
    layer = nn.Linear(8, 4, bias=False)
    before = layer.weight.detach().clone()
    dropped = ~forward_mask(before, PATTERN)
    with bidirectional_training(layer, PATTERN):
        torch.autograd.backward(layer(torch.ones(2, 8)).square().sum())
        torch.optim.SGD(layer.parameters(), lr=0.1).step()
        assert bool((layer.weight != before)[dropped].any()), "weights that the forward pass dropped are updated too"
        assert torch.equal(layer(torch.eye(8)).t(), layer.weight.masked_fill(~forward_mask(layer.weight, PATTERN), 0))
    assert fullest(layer.weight.t(), 4) == 2
    assert "forward" not in vars(layer)


def test_the_first_layer_needs_no_gradient_of_its_input() -> None:
    layer = nn.Linear(4, 4)
    x = torch.ones(1, 4)
    with bidirectional_training(layer, PATTERN):
        torch.autograd.backward(layer(x).sum())
    assert x.grad is None
    torch.testing.assert_close(layer.weight.grad, torch.ones(4, 4))


def test_accuracy_on_the_digits(trained_digits: tuple[nn.Module, DigitsData]) -> None:
    model, data = deepcopy(trained_digits[0]), trained_digits[1]
    with bidirectional_training(model, "2:4"):
        train(model, data, epochs=DIGITS_CNN.tune_epochs, rate=DIGITS_CNN.tune_rate, seed=0)
    assert evaluate(model, data) >= 96.5


def test_what_it_cannot_do() -> None:
    with (
        pytest.raises(InputError, match=r"layer '': BDWP takes N:M patterns, not unstructured:0\.5"),
        bidirectional_training(nn.Linear(4, 4), "unstructured:0.5"),
    ):
        raise AssertionError("not reached")
    layer = nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect")
    with (
        pytest.raises(InputError, match=r"expected padding by a number of zeros, not .* 'reflect'"),
        bidirectional_training(layer, Scheme.everywhere(PATTERN)),
    ):
        raise AssertionError("not reached")
    assert "forward" not in vars(layer)
