"""Tensors that share an order of channels, and those that keep theirs."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.channels.channel_classes import channel_classes, depthwise
from tests.mapper.balancing.test_permuted_graph import residual_network
from tests.mapper.networks import Builder


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


def test_depthwise_nodes_have_one_input_for_each_output() -> None:
    builder = Builder((6, 5, 5), np.random.default_rng(0))
    for outputs, groups in ((6, 6), (6, 1), (6, 3), (12, 6)):
        builder.convolution(outputs, (1, 1), groups=groups)
    assert [depthwise(node) for node in builder.graph().nodes] == [True, False, False, False]
