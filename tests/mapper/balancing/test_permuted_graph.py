"""Graphs whose channels are in another order compute the same."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.arrays import Indices
from skipbeat_arch.channels.channel_classes import channel_classes
from skipbeat_arch.graph import Graph, Pool
from skipbeat_mapper.balancing.permuted_graph import permuted
from tests.mapper.networks import Builder
from tests.mapper.reference import run_graph


def residual_network(seed: int) -> Graph:
    """Two residual blocks, a pooling node, a depthwise one and a raw end."""
    builder = Builder((12, 8, 8), np.random.default_rng(seed))
    trunk = builder.convolution(20, (3, 3), padding=(1, 1))
    builder.convolution(9, (1, 1))
    first = builder.convolution(20, (3, 3), padding=(1, 1), residual=trunk)
    builder.convolution(20, (1, 1), residual=first)
    builder.convolution(20, (3, 3), groups=20, padding=(1, 1))
    builder.convolution(30, (3, 3), pool=Pool(kernel=(2, 2), stride=(2, 2)))
    builder.convolution(7, (3, 3), raw=True)
    return builder.graph()


@pytest.mark.parametrize("seed", range(4))
def test_it_computes_the_same(seed: int) -> None:
    graph = residual_network(seed)
    rng = np.random.default_rng(seed)
    orders: dict[str, Indices] = {}
    for each in channel_classes(graph):
        order = rng.permutation(each.channels)
        orders |= dict.fromkeys(each.tensors, order)
    x = rng.integers(-128, 128, graph.tensor("input").shape, np.int8)
    expected, found = run_graph(graph, x), run_graph(permuted(graph, orders), x[orders["input"]])
    for tensor in graph.tensors[1:]:
        np.testing.assert_array_equal(found[tensor.name], expected[tensor.name][orders[tensor.name]])


def test_without_orders_nothing_changes() -> None:
    graph = residual_network(1)
    assert permuted(graph, {}).nodes == graph.nodes
