"""The digits network end to end: accuracy after each step, determinism, and weights that satisfy the pattern."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.layer import IntegerLayer
from skipbeat_arch.pattern import Pattern
from skipbeat_models.graph_oracle import run_graph
from skipbeat_models.prepare import prepare_trained
from skipbeat_models.prepared import TrainedNetwork
from skipbeat_models.pruners.block import BLOCK
from skipbeat_models.scheme import Scheme
from tests.models.groups import fullest
from tests.trained_networks import TrainedNetworks

SOURCE = "zoo:digits-cnn"


def layers(prepared: TrainedNetwork) -> list[IntegerLayer]:
    return [node.layer for node in prepared.graph.nodes]


@pytest.fixture(scope="module")
def two_of_four(networks: TrainedNetworks) -> TrainedNetwork:
    return networks.prepared(SOURCE, "2:4")


def test_accuracy(two_of_four: TrainedNetwork) -> None:
    assert two_of_four.dense_accuracy >= 97
    assert two_of_four.pruned_accuracy >= 96.5
    assert abs(two_of_four.int8_accuracy - two_of_four.pruned_accuracy) <= 1


def test_int8_accuracy_is_the_oracles(two_of_four: TrainedNetwork) -> None:
    assert (two_of_four.images.shape, two_of_four.images.dtype.name) == ((450, 1, 8, 8), "int8")
    values = run_graph(two_of_four.graph, two_of_four.images)
    guesses = values[two_of_four.graph.output].argmax(axis=1)[:, 0, 0]
    assert (guesses == two_of_four.labels).mean() * 100 == pytest.approx(two_of_four.int8_accuracy)
    assert [(node.layer.name, values[node.output].shape[1:]) for node in two_of_four.graph.nodes] == [
        ("conv1", (16, 8, 8)),
        ("conv2", (32, 4, 4)),
        ("conv3", (64, 2, 2)),
        ("fc", (10, 1, 1)),
    ]


def test_weights_satisfy_the_pattern(two_of_four: TrainedNetwork) -> None:
    counts = {layer.name: fullest(layer.weight, 4) for layer in layers(two_of_four)}
    assert counts == {"conv1": 4, "conv2": 2, "conv3": 2, "fc": 2}


def test_the_same_seed_gives_the_same_network(two_of_four: TrainedNetwork) -> None:
    steps: list[str] = []
    again = prepare_trained(SOURCE, Pattern.parse("2:4"), progress=steps.append)
    assert len(steps) == 4
    for one, other in zip(layers(two_of_four), layers(again), strict=True):
        np.testing.assert_array_equal(one.weight, other.weight)
        np.testing.assert_array_equal(one.bias, other.bias)
    assert again.int8_accuracy == two_of_four.int8_accuracy


@pytest.mark.slow
def test_another_pattern_order_and_layer_choice() -> None:
    prepared = prepare_trained(SOURCE, Scheme.everywhere(Pattern.parse("1:8")), seed=1, order="cin,kh,kw")
    assert prepared.pruned_accuracy >= 92
    assert abs(prepared.int8_accuracy - prepared.pruned_accuracy) <= 1
    assert [fullest(layer.weight, 8) for layer in layers(prepared)] == [1, 1, 1, 1]


@pytest.mark.slow
@pytest.mark.parametrize("text", ["dense", "unstructured:0.25", "block:0.5"])
def test_other_kinds_of_pattern(text: str) -> None:
    pattern = Pattern.parse(text)
    prepared = prepare_trained(SOURCE, pattern)
    assert prepared.pruned_accuracy >= 96
    assert abs(prepared.int8_accuracy - prepared.pruned_accuracy) <= 1
    for layer in layers(prepared)[1:]:
        down, across = BLOCK if pattern.kind == "block" else (1, 1)
        rows, cols = layer.weight.shape
        starts = [(i, j) for i in range(0, rows, down) for j in range(0, cols, across)]
        used = sum(bool(layer.weight[i : i + down, j : j + across].any()) for i, j in starts)
        assert 0 < used <= round(pattern.density * len(starts))
