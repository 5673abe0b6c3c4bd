"""A layer as a graph of one node: shapes, and a program of it."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.workload import Convolution
from skipbeat_mapper.layer_graph import MASK, Dithered, layer_graph, weight_shape
from skipbeat_mapper.search.timed_network import time_network


def conv(c_in: int, c_out: int, groups: int) -> Convolution:
    return Convolution(
        batch=1, c_in=c_in, c_out=c_out, height=5, width=7, kernel=(3, 2), stride=(2, 1), padding=(1, 0), groups=groups
    )


@pytest.mark.parametrize(
    ("c_in", "c_out", "groups", "shape"),
    [
        (6, 8, 1, (6 * 3 * 2, 8)),  # every output sums all inputs at all taps
        (6, 8, 2, (2, 3 * 3 * 2, 4)),
        (6, 6, 6, (6, 3 * 2, 1)),
    ],
)
def test_weights_and_maps_have_the_layer_s_shape(c_in: int, c_out: int, groups: int, shape: tuple[int, ...]) -> None:
    layer = conv(c_in, c_out, groups)
    assert weight_shape(layer) == shape
    graph = layer_graph(layer, np.ones(shape, np.int8), "mine")
    assert (graph.tensor(graph.input).shape, graph.tensor(graph.output).shape) == ((c_in, 5, 7), (c_out, 3, 6))
    assert [node.layer.name for node in graph.nodes] == ["mine"]
    assert not graph.nodes[0].raw


def test_only_the_zeros_of_the_weight_count() -> None:
    layer, machine = conv(8, 8, 1), Machine.of(load_hardware("tiny-4x4"))
    there = np.random.default_rng(3).random(weight_shape(layer)) < 0.5
    cycles = {
        time_network(layer_graph(layer, (there * value).astype(np.int8), "mine"), machine).timing.cycles
        for value in (1, -128, 77)
    }
    assert len(cycles) == 1
    full = time_network(layer_graph(layer, np.ones(weight_shape(layer), np.int8), "mine"), machine).timing.cycles
    assert cycles.pop() < full


def test_what_is_rounded_at_random_and_masked() -> None:
    layer = conv(6, 8, 1)
    graph = layer_graph(layer, np.ones(weight_shape(layer), np.int8), "mine", dithered=Dithered(shift=0, seed=5))
    (node,) = graph.nodes
    assert (node.seed, node.layer.low, node.layer.high, graph.given) == (5, -127, 127, ())
    assert node.layer.shift is not None
    assert not node.layer.shift.any()
    how = Dithered(shift=32, seed=5, masked=True)
    graph = layer_graph(layer, np.ones(weight_shape(layer), np.int8), "mine", dithered=how)
    assert graph.given == (MASK,)
    assert graph.tensor(MASK).shape == graph.tensor(graph.output).shape
    with pytest.raises(InputError, match=r"node mine: expected 8 values of shift in 0\.\.32"):
        layer_graph(layer, np.ones(weight_shape(layer), np.int8), "mine", dithered=Dithered(shift=33, seed=5))
