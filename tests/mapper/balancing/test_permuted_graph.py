"""Tensors that share an order of channels, and graphs that compute the same in any such order."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.graph import Graph, Pool
from skipbeat_mapper.balancing.channel_classes import channel_classes
from skipbeat_mapper.balancing.permuted_graph import Order, permuted
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


def test_tensors_that_meet_in_an_addition_share_an_order() -> None:
    found = {each.tensors: (each.channels, each.writers, each.readers) for each in channel_classes(residual_network(0))}
    assert found == {
        ("input",): (12, (), (0,)),
        ("node0", "node2", "node3", "node4"): (20, (0, 2, 3), (1, 3, 5)),
        ("node1",): (9, (1,), (2,)),
        ("node5",): (30, (5,), (6,)),
        ("node6",): (7, (6,), ()),
    }


def test_other_grouped_convolutions_keep_their_order() -> None:
    builder = Builder((12, 5, 5), np.random.default_rng(0))
    builder.convolution(24, (1, 1), groups=4)
    builder.convolution(24, (1, 1), groups=24)
    builder.convolution(8, (1, 1))
    assert [each.tensors for each in channel_classes(builder.graph())] == [("node2",)]
    assert channel_classes(builder.graph())[0].writers == (2,)


@pytest.mark.parametrize("seed", range(4))
def test_it_computes_the_same(seed: int) -> None:
    graph = residual_network(seed)
    rng = np.random.default_rng(seed)
    orders: dict[str, Order] = {}
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
