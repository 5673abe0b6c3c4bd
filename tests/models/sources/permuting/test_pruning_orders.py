"""Which channels are permuted before pruning, and which keep their order."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from skipbeat_arch.errors import InputError
from skipbeat_models.scheme import Scheme
from skipbeat_models.sources.permuting.pruning_orders import PruningOrders, pruning_orders
from skipbeat_models.sources.tracing.exported import export_module
from tests.models.sources.permuting.networks import Residual, exact, images

SCHEME = Scheme.parse("2:4").permuted()


def orders_of(model: nn.Module, inputs: torch.Tensor, scheme: Scheme = SCHEME) -> PruningOrders:
    return pruning_orders(export_module(model.eval(), (inputs,), {}), scheme)


def two_layers(channels: int = 16, kernel: int = 3) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(4, channels, 3), nn.ReLU(), nn.Conv2d(channels, 8, kernel), nn.ReLU(), nn.Conv2d(8, 4, 1)
    )


def test_tensors_that_meet_in_an_addition_have_one_order_and_the_ends_keep_theirs() -> None:
    found = orders_of(exact(Residual()), images().double())
    assert set(found.inputs) == {"inner", "back", "hidden", "logits"}
    shared = found.weights["stem.weight"][0]
    for name in ("norm.weight", "norm.bias", "norm.running_mean", "norm.running_var", "back.weight", "shift"):
        assert (found.weights[name][0] == shared).all(), name
    assert (found.weights["inner.weight"][1] == shared).all()
    assert (found.weights["hidden.weight"][1] == (shared[:, None] * 9 + np.arange(9)).ravel()).all()
    assert (found.weights["depthwise.weight"][0] == found.weights["back.weight"][1]).all()
    assert 1 not in found.weights["stem.weight"]
    assert "logits.bias" not in found.weights
    assert 0 not in found.weights["logits.weight"]


def test_every_order_has_each_channel_once_and_the_draws_are_the_same() -> None:
    model = exact(Residual())
    first, again = (orders_of(model, images().double()) for _ in range(2))
    for name, axes in first.weights.items():
        for axis, order in axes.items():
            size = model.state_dict()[name].shape[axis]
            assert sorted(order.tolist()) == list(range(size))
            assert (again.weights[name][axis] == order).all()


def test_nothing_is_permuted_unasked() -> None:
    assert not orders_of(two_layers(), torch.zeros(1, 4, 9, 9), Scheme.parse("2:4")).weights


def test_groups_that_reach_into_the_next_tap_keep_their_order() -> None:
    assert set(orders_of(two_layers(16), torch.zeros(1, 4, 9, 9)).inputs) == {"2", "4"}
    assert set(orders_of(two_layers(18), torch.zeros(1, 4, 9, 9)).inputs) == {"4"}
    assert set(orders_of(two_layers(18, 1), torch.zeros(1, 4, 9, 9)).inputs) == {"2", "4"}


def test_weights_that_are_shared_masked_or_without_values_keep_their_order() -> None:
    first, second = nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 1)
    second.weight = first.weight
    shared = nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), nn.Conv2d(8, 4, 1))
    assert set(orders_of(shared, torch.zeros(1, 8, 9, 9)).inputs) == set()
    computed = two_layers()
    weight_norm(computed[2])
    assert set(orders_of(computed, torch.zeros(1, 4, 9, 9)).inputs) == set()
    asp = two_layers()
    asp[2].register_buffer("_weight_mask", torch.ones(8, 16, 3, 3))
    assert set(orders_of(asp, torch.zeros(1, 4, 9, 9)).inputs) == set()
    assert not orders_of(two_layers().to("meta"), torch.zeros(1, 4, 9, 9, device="meta")).weights


def test_blocks_beside_n_m_keep_their_order() -> None:
    scheme = Scheme.parse("2:4")
    mixed = Scheme(scheme.default, (("4", Scheme.parse("block:0.5").default),)).permuted()
    assert set(orders_of(two_layers(), torch.zeros(1, 4, 9, 9), mixed).inputs) == {"2"}


@pytest.mark.parametrize("text", ["unstructured:0.5", "block:0.25", "dense"])
def test_only_n_m_keeps_more_for_an_order(text: str) -> None:
    with pytest.raises(InputError, match="expected a pattern N:M by magnitude"):
        Scheme.parse(text).permuted()
