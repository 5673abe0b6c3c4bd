"""A network with permuted channels computes what it did, and pruned what the masks in its own order leave."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import nn

from skipbeat_models.graph_oracle import run_graph
from skipbeat_models.pruners.one_shot import prune_model
from skipbeat_models.quantise_graph import QuantisedGraph, quantise_graph
from skipbeat_models.scheme import Scheme
from skipbeat_models.sources.module import flattened_maps, from_module
from skipbeat_models.sources.permuting.permuted_module import permuted_module
from skipbeat_models.sources.permuting.pruning_orders import pruning_orders
from skipbeat_models.sources.tracing.exported import export_module
from tests.models.sources.permuting.networks import Residual, exact, images

SCHEME = Scheme.parse("2:4").permuted()


def inverse(model: nn.Module, source: nn.Module, inputs: torch.Tensor) -> nn.Module:
    """A module with the channels of one that was permuted put back into the order of its source."""
    orders = pruning_orders(export_module(source, (inputs,), {}), SCHEME)
    copy = deepcopy(model)
    for name, axes in orders.weights.items():
        for axis, order in axes.items():
            stored = copy.state_dict()[name]
            stored.copy_(stored.index_select(axis, torch.from_numpy(np.argsort(order))))
    return copy


def quantised(model: nn.Module) -> QuantisedGraph:
    return quantise_graph(model, images())


@pytest.fixture(scope="module")
def pair() -> tuple[nn.Module, nn.Module]:
    """A network, and the same with permuted channels."""
    model = exact(Residual())
    return model, permuted_module(model, (images().double(),), SCHEME)


def test_the_module_itself_stays(pair: tuple[nn.Module, nn.Module]) -> None:
    assert all(torch.equal(a, b) for a, b in zip(pair[0].parameters(), exact(Residual()).parameters(), strict=True))
    assert permuted_module(pair[0], (images().double(),), Scheme.parse("2:4")) is pair[0]
    assert permuted_module(pair[0], (images().double(),), SCHEME, order="cin,kh,kw") is pair[0]


def test_before_pruning_every_result_is_the_same(pair: tuple[nn.Module, nn.Module]) -> None:
    model, permuted = pair
    assert not torch.equal(model.state_dict()["inner.weight"], permuted.state_dict()["inner.weight"])
    assert torch.equal(model(images().double()), permuted(images().double()))


def test_pruned_it_is_the_network_pruned_in_its_own_order_bit_for_bit(pair: tuple[nn.Module, nn.Module]) -> None:
    model, permuted = pair
    flattened = flattened_maps(permuted, (images().double(),))
    pruned = prune_model(permuted, SCHEME, flattened=flattened)
    natural = inverse(pruned, model, images().double())
    for name, weight in natural.named_parameters():
        assert torch.equal(weight, torch.where(weight == 0, weight, dict(model.named_parameters())[name]))
    one, other = quantised(pruned), quantised(natural)
    assert one.scales == other.scales
    given = one.quantise_images(images().numpy())
    assert np.abs(run_graph(one.graph, given)[one.graph.output]).max() > 0
    assert (run_graph(one.graph, given)[one.graph.output] == run_graph(other.graph, given)[other.graph.output]).all()


def test_the_description_is_that_of_the_permuted_module(pair: tuple[nn.Module, nn.Module]) -> None:
    model, permuted = pair
    inputs = (images().double(),)
    found = from_module(model, inputs, name="model", scheme=SCHEME)
    expected = from_module(permuted, inputs, name="model", scheme=Scheme.parse("2:4"))
    assert [run.key for run in found.runs] == [run.key for run in expected.runs]
    assert {layer.name for layer in found.layers if layer.kept} == {"inner", "back", "hidden", "logits"}
    for layer in found.layers:
        if layer.kept is not None:
            assert layer.kept.natural < layer.kept.permuted < layer.kept.whole, layer.name
    assert not any(layer.kept for layer in expected.layers)
