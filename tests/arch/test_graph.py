"""Graphs: what they refuse."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Graph, Node, Pool, Tensor
from skipbeat_arch.layer import IntegerLayer
from skipbeat_arch.workload import Convolution, Gemm

LAYER = IntegerLayer(
    name="conv",
    workload=Convolution(batch=1, c_in=2, c_out=3, height=4, width=6, kernel=(3, 3), padding=(1, 1)),
    weight=np.ones((18, 3), np.int8),
    bias=np.zeros(3, np.int32),
    multiplier=np.full(3, 1 << 30),
    shift=np.full(3, 31),
)
STEP = Node(layer=LAYER, input="x", output="y", pool=Pool(kernel=(2, 2), stride=(2, 2)))
X, Y = Tensor(name="x", channels=2, height=4, width=6), Tensor(name="y", channels=3, height=2, width=3)


def graph(node: Node, *tensors: Tensor, output: str = "y") -> Graph:
    return Graph(tensors=tensors or (X, Y), nodes=(node,), input="x", output=output)


def test_a_sound_graph() -> None:
    assert graph(STEP).tensor("y").shape == STEP.out_shape == (3, 2, 3)
    assert not STEP.raw
    assert STEP.taps == 9


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"input": "z"}, "there is no tensor z"),
        ({"input": "y"}, "reads y, which no node before it has written"),
        ({"output": "x"}, "expected the last node to write y"),
        ({"pool": None}, r"expected y of shape \(3, 4, 6\)"),
        ({"residual": "x"}, "residual and residual_multiplier together"),
        ({"residual": "x", "residual_multiplier": np.ones(3, np.int64)}, "expected a residual of shape"),
        ({"seed": 1}, "what is rounded at random is clamped at -127 and 127"),
        ({"noted": True}, "noted bytes are clamped at -127 or above, and neither raw nor random"),
    ],
)
def test_steps_that_do_not_fit(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        graph(dataclasses.replace(STEP, **change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"workload": Gemm(p=1, c=18, k=3)}, "expected a convolution"),
        ({"bias": np.zeros(2, np.int32)}, r"expected a bias of shape \(3,\)"),
        ({"multiplier": np.full(3, 0)}, "3 values of multiplier in 1"),
        ({"shift": np.full(3, 63)}, "3 values of shift in 1..62"),
        ({"shift": None}, "multiplier and shift together"),
        ({"multiplier": None, "shift": None}, "raw sums cannot be pooled"),
        ({"low": 5, "high": 1}, "low <= high"),
    ],
)
def test_layers_that_the_output_stage_cannot_take(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        graph(dataclasses.replace(STEP, layer=dataclasses.replace(LAYER, **change)))


def test_places_are_with_bytes_and_nobody_reads_them() -> None:
    placed = dataclasses.replace(STEP, places=True)
    assert (placed.vectors, STEP.vectors) == (2, 1)
    raw = dataclasses.replace(LAYER, multiplier=None, shift=None)
    random = dataclasses.replace(LAYER, low=-127, shift=np.zeros(3, np.int64))
    for change in ({"pool": None, "layer": raw}, {"seed": 1, "layer": random}):
        with pytest.raises(InputError, match="places are with bytes that are neither raw nor random"):
            Graph.of(X, [dataclasses.replace(placed, **change)])


def test_names_are_unique() -> None:
    with pytest.raises(InputError, match="same name"):
        graph(STEP, X, Y, X)


def test_a_tensor_is_a_part_of_one_concatenation() -> None:
    joined = (dataclasses.replace(X, name=name, parts=(("x", 0),)) for name in ("one", "two"))
    with pytest.raises(InputError, match="a tensor is a part of two others"):
        graph(STEP, X, Y, *joined)


def test_blocks_that_a_node_has_stacked_are_channels_of_its_tensors() -> None:
    given = Tensor(name="input", channels=12, height=3, width=2)
    ones = np.ones(4, np.int64)
    layer = IntegerLayer(
        name="average",
        workload=Convolution(batch=1, c_in=4, c_out=4, height=9, width=2, kernel=(3, 2), stride=(3, 2), groups=4),
        weight=np.ones((4, 6, 1), np.int8),
        bias=np.zeros(4, np.int32),
        multiplier=ones,
        shift=ones,
    )
    node = Node(layer=layer, input="input", output="mean", alike=True, stacked=3)
    assert Graph.of(given, [node]).tensor("mean").shape == (12, 1, 1)
    with pytest.raises(InputError, match=r"its input input has shape \(12, 3, 2\)"):
        Graph.of(given, [dataclasses.replace(node, stacked=1)])
    for change in ({"bias": np.arange(4, dtype=np.int32)}, {"shift": np.array([1, 1, 2, 1])}):
        with pytest.raises(InputError, match="its channels are not alike"):
            Graph.of(given, [dataclasses.replace(node, layer=dataclasses.replace(layer, **change))])


def test_a_tensor_may_be_given_besides_the_input() -> None:
    mask = Tensor(name="mask", channels=3, height=4, width=6)
    zeros = np.zeros(3, np.int64)
    rounded = dataclasses.replace(LAYER, low=-127, shift=zeros)
    node = Node(layer=rounded, input="x", output="y", residual="mask", residual_multiplier=zeros, seed=9)
    assert Graph.of(X, [node], others=[mask]).given == ("mask",)
    with pytest.raises(InputError, match="reads mask, which no node before it has written"):
        graph(node, X, dataclasses.replace(mask, name="y"), mask)
