"""A graph as a model: one run, whose layers say of their weights what the weights are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from skipbeat_arch.model import LayerKind
from skipbeat_mapper.estimate.graph_model import graph_model
from tests.mapper.estimate.priced_layers import with_weights
from tests.mapper.networks import Builder, random_graph


def test_layers_have_the_zeros_of_the_weights() -> None:
    builder = Builder((8, 6, 5), np.random.default_rng(1))
    builder.convolution(12, (3, 2), density=0.5)
    builder.convolution(12, (1, 1), groups=12)
    builder.convolution(24, (1, 1), groups=3)
    builder.convolution(7, (4, 4), raw=True)
    graph = builder.graph()
    model = graph_model(graph, "mine", images=3)
    kinds = [LayerKind.CONVOLUTION, LayerKind.DEPTHWISE, LayerKind.GROUPED, LayerKind.LINEAR]
    assert [layer.kind for layer in model.layers] == kinds
    assert [layer.shape for layer in model.layers] == [
        "12x8x3x2 on 6x5",
        "12x1x1x1 on 4x4",
        "24x4x1x1 on 4x4",
        "7x24x4x4 on 4x4",
    ]
    for node, layer in zip(graph.nodes, model.layers, strict=True):
        (part,) = layer.parts
        assert np.array_equal(part.weight.nonzero(), node.layer.weight != 0)
        assert layer.density == np.count_nonzero(node.layer.weight) / node.layer.weight.size
        assert (part.workload, part.repeats) == (replace(node.convolution, batch=3), 1)
        assert layer.macs_dense == 3 * node.convolution.macs


def test_the_only_run_is_the_graph() -> None:
    graph = random_graph(np.random.default_rng(2))
    model = graph_model(graph, "mine", images=4)
    (run,) = model.runs
    assert run.graph() is graph
    assert (run.layers, run.images, run.repeats) == (tuple(node.layer.name for node in graph.nodes), 4, 1)
    assert (model.name, model.batch, model.host_operators) == ("mine", 4, ())


@pytest.mark.parametrize(("n", "pattern"), [(1, "1:4"), (2, "2:4"), (4, "dense")])
def test_the_pattern_is_measured_along_the_input_channels(n: int, pattern: str) -> None:
    builder = Builder((16, 3, 3), np.random.default_rng(3))
    builder.convolution(8, (1, 1), density=1.0)
    graph = builder.graph()
    weight = graph.nodes[0].layer.weight
    weight[np.arange(16) % 4 >= n] = 0
    assert str(graph_model(graph, "mine").layers[0].pattern) == pattern


def test_weights_with_equal_zeros_have_equal_keys() -> None:
    graph = random_graph(np.random.default_rng(5))
    keys = [
        [layer.parts[0].weight.key for layer in graph_model(each, "mine").layers]
        for each in (graph, with_weights(graph, 1), with_weights(graph, 2))
    ]
    assert keys[0] == keys[1] == keys[2]
    denser = random_graph(np.random.default_rng(5))
    denser.nodes[0].layer.weight[:] = 1
    assert (graph.nodes[0].layer.weight == 0).any()
    assert graph_model(denser, "mine").layers[0].parts[0].weight.key != keys[0][0]
