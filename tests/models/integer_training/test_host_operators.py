"""Operators of the host, forward and backward, against autograd."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from skipbeat_models.integer_training.host_operators import (
    Addition,
    Average,
    BatchNorm,
    HostOperator,
    MaxPool,
    Relu,
    loss_and_gradient,
)
from skipbeat_models.integer_training.optimiser_step import OptimiserStep
from skipbeat_models.integer_training.scaled import Scaled, Stored, real

CASES: dict[str, tuple[Callable[[nn.Module], HostOperator], nn.Module]] = {
    "pool": (lambda module: MaxPool(_pool(module)), nn.MaxPool2d(2)),
    "overlapping pool": (lambda module: MaxPool(_pool(module)), nn.MaxPool2d(3, 2, 1)),
    "relu": (lambda _: Relu(), nn.ReLU()),
    "average": (lambda _: Average(), nn.AdaptiveAvgPool2d(1)),
    "norm": (lambda module: BatchNorm(_norm(module)), nn.BatchNorm2d(4).double()),
}


def _pool(module: nn.Module) -> nn.MaxPool2d:
    assert isinstance(module, nn.MaxPool2d)
    return module


def _norm(module: nn.Module) -> nn.BatchNorm2d:
    assert isinstance(module, nn.BatchNorm2d)
    return module


@pytest.mark.parametrize("name", CASES)
def test_an_operator_is_torchs(name: str) -> None:
    build, module = CASES[name]
    operator = build(module)
    generator = torch.Generator().manual_seed(1)
    for _ in range(2):
        x = torch.randn(6, 4, 6, 6, generator=generator, dtype=torch.float64, requires_grad=True)
        y = module.train()(x)
        g = torch.randn(y.shape, generator=generator, dtype=torch.float64)
        (dx,) = torch.autograd.grad(y, x, g)
        np.testing.assert_allclose(real(operator.forward([x.detach().numpy()], True)), y.detach().numpy(), atol=1e-12)
        np.testing.assert_allclose(real(operator.backward(g.numpy())[0]), dx.numpy(), atol=1e-12)
    seen = operator.forward([x.detach().numpy()], False)
    np.testing.assert_allclose(real(seen), module.eval()(x).detach().numpy(), atol=1e-12)


def test_a_norm_trains_as_torchs_does() -> None:
    module = nn.BatchNorm2d(3).double().train()
    operator = BatchNorm(module)
    optimiser = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9)
    x, g = (torch.randn(4, 3, 5, 5, generator=torch.Generator().manual_seed(seed)).double() for seed in (1, 2))
    for _ in range(3):
        optimiser.zero_grad()
        torch.autograd.backward(module(x), g)
        optimiser.step()
        operator.forward([x.numpy()], True)
        operator.backward(g.numpy())
        operator.update(OptimiserStep(momentum=0.9, decay=0.5, masked_decay=0.5, rate=0.1))
    np.testing.assert_allclose(operator.parameters, torch.stack([module.weight, module.bias]).detach().numpy())


def test_bytes_stay_bytes_through_windows_that_do_not_meet() -> None:
    operator = MaxPool(nn.MaxPool2d(2))
    x = Scaled(np.array([[[[1, 5], [5, -2]]]], np.int8), -3)
    y = operator.forward([x], True)
    assert isinstance(y, Scaled)
    assert (y.mantissas.tolist(), y.exponent) == ([[[[5]]]], -3)
    (dx,) = operator.backward(Scaled(np.array([[[[-7]]]], np.int8), -9))
    assert isinstance(dx, Scaled)
    assert (dx.mantissas.tolist(), dx.exponent) == ([[[[0, -7], [0, 0]]]], -9), "the first of the largest"


def test_of_equal_bytes_the_largest_sum_is_pooled() -> None:
    operator = MaxPool(nn.MaxPool2d(2))
    stored = Stored(np.array([[[[5, 5], [5, -2]]]], np.int8), -3, np.array([[[[40, 42], [41, -16]]]]))
    y = operator.forward([stored], True)
    assert isinstance(y, Scaled)
    assert (y.mantissas.tolist(), y.exponent) == ([[[[5]]]], -3)
    (dx,) = operator.backward(Scaled(np.array([[[[-7]]]], np.int8), -9))
    assert isinstance(dx, Scaled)
    assert dx.mantissas.tolist() == [[[[0, -7], [0, 0]]]]


def test_an_addition_and_the_loss() -> None:
    first, second = np.ones((1, 1, 1, 1)), Scaled(np.full((1, 1, 1, 1), 3, np.int8), -1)
    assert real(Addition().forward([first, second], True)).item() == 2.5
    assert Addition().backward(first) == [first, first]
    loss, gradient = loss_and_gradient(np.zeros((2, 4)), np.array([1, 2]))
    assert loss == pytest.approx(np.log(4))
    np.testing.assert_allclose(gradient, (0.25 - np.eye(4)[[1, 2]]) / 2)
