"""Networks as graphs: the same function."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from skipbeat_arch.errors import InputError
from skipbeat_models import oracle
from skipbeat_models.lower import to_graph
from skipbeat_models.network import MaxPool
from skipbeat_models.quantise import quantise
from tests.mapper.reference import run_graph


def check(model: nn.Sequential, shape: tuple[int, int, int], nodes: list[str]) -> None:
    torch.manual_seed(0)
    network = quantise(model, torch.randn(4, *shape))
    graph = to_graph(network)
    assert [node.layer.name for node in graph.nodes] == nodes
    images = np.random.default_rng(0).integers(-128, 128, (2, *shape), np.int8)
    expected = oracle.run(network, images)
    for image, logits in zip(images, expected.logits, strict=True):
        np.testing.assert_array_equal(run_graph(graph, image)[graph.output].ravel(), logits.ravel())


def test_pooling_joins_its_layer_and_a_linear_layer_covers_the_map() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 6, 3, groups=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(24, 12),
        nn.ReLU(),
        nn.Linear(12, 5),
    )
    check(model, (3, 8, 8), ["0", "3", "6", "8"])


def test_overlapping_and_padded_pooling_is_a_step_of_its_own() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(3, 2, 1), nn.MaxPool2d(2, 1), nn.Flatten(), nn.Linear(32, 5)
    )
    check(model, (3, 7, 7), ["0", "2", "3", "5"])


def test_padding_that_could_win_is_refused() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.MaxPool2d(3, 2, 1), nn.Conv2d(2, 2, 1))
    network = quantise(model, torch.ones(1, 1, 8, 8))
    assert isinstance(network.stages[1], MaxPool)
    with pytest.raises(InputError, match="stage 1: max pooling with padding needs an input without negative values"):
        to_graph(network)
