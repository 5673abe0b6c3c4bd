"""The tiny ResNet end to end: accuracy after each stage, determinism, the pattern, and the graph."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Graph
from skipbeat_arch.pattern import Pattern
from skipbeat_models.graph_oracle import run_graph
from skipbeat_models.prepare import prepare, prepare_trained
from skipbeat_models.prepared import TrainedNetwork
from skipbeat_models.scheme import Scheme
from tests.models.groups import fullest
from tests.trained_networks import TrainedNetworks

SOURCE = "zoo:tiny-resnet"
DENSE_LAYERS = {"conv", "block3.depthwise", "pool"}


def flat(weight: np.ndarray[tuple[int, ...], np.dtype[np.int8]]) -> torch.Tensor:
    """Weights as one matrix [C, K] for all channel groups."""
    return torch.from_numpy(weight if weight.ndim == 2 else weight.transpose(1, 0, 2).reshape(weight.shape[1], -1))


@pytest.fixture(scope="module")
def two_of_four(networks: TrainedNetworks) -> TrainedNetwork:
    return networks.prepared(SOURCE, "2:4")


def test_accuracy(two_of_four: TrainedNetwork) -> None:
    assert two_of_four.dense_accuracy >= 95
    assert two_of_four.pruned_accuracy >= 95
    assert abs(two_of_four.int8_accuracy - two_of_four.pruned_accuracy) <= 1.5


def test_int8_accuracy_is_the_oracles(two_of_four: TrainedNetwork) -> None:
    graph, images = two_of_four.graph, two_of_four.images
    assert isinstance(graph, Graph)
    assert (two_of_four.source, str(two_of_four.scheme)) == (SOURCE, "2:4")
    assert (images.shape, images.dtype.name) == ((450, 1, 8, 8), "int8")
    assert graph.tensor(graph.output).shape == (10, 1, 1)
    values = run_graph(graph, images)
    guesses = values[graph.output].argmax(axis=1)[:, 0, 0]
    assert (guesses == two_of_four.labels).mean() * 100 == pytest.approx(two_of_four.int8_accuracy)
    for tensor in graph.tensors:
        assert values[tensor.name].shape == (450, *tensor.shape)
        assert np.abs(values[tensor.name].astype(int)).max() >= 100, "its scale uses the range"


def test_weights_satisfy_the_pattern(two_of_four: TrainedNetwork) -> None:
    for node in two_of_four.graph.nodes:
        weight = flat(node.layer.weight)
        if node.layer.name not in DENSE_LAYERS:
            assert fullest(weight, 4) == 2, node.layer.name
        else:
            assert fullest(weight, 4) == 4, node.layer.name


@pytest.mark.slow
def test_the_same_seed_gives_the_same_graph(two_of_four: TrainedNetwork) -> None:
    said: list[str] = []
    again = prepare_trained(SOURCE, Pattern.parse("2:4"), progress=said.append)
    assert len(said) == 4
    for one, other in zip(two_of_four.graph.nodes, again.graph.nodes, strict=True):
        np.testing.assert_array_equal(one.layer.weight, other.layer.weight)
        np.testing.assert_array_equal(one.layer.bias, other.layer.bias)
    assert again.int8_accuracy == two_of_four.int8_accuracy


@pytest.mark.slow
def test_everything_pruned_in_the_other_order() -> None:
    prepared = prepare_trained(SOURCE, Scheme.everywhere(Pattern.parse("1:4")), seed=1, order="cin,kh,kw")
    assert prepared.dense_accuracy >= 95
    assert prepared.pruned_accuracy >= 90
    assert abs(prepared.int8_accuracy - prepared.pruned_accuracy) <= 1.5
    for node in prepared.graph.nodes:
        if node.layer.name != "pool":
            assert fullest(flat(node.layer.weight), 4) == 1, node.layer.name


def test_unknown_networks_are_refused() -> None:
    with pytest.raises(InputError, match="zoo:tiny-resnet"):
        prepare("zoo:alexnet", Pattern.parse("2:4"))


def test_networks_without_a_recipe_are_not_trained() -> None:
    with pytest.raises(InputError, match="zoo:resnet-18: it has no recipe"):
        prepare_trained("zoo:resnet-18", Pattern.parse("2:4"))
