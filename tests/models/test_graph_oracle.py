"""The graphs' oracle against loops over Python's integers."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skipbeat_arch.arrays import Int8Array
from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Graph, Node, Pool, Tensor
from skipbeat_arch.layer import IntegerLayer
from skipbeat_arch.workload import Convolution, ReductionOrder
from skipbeat_models import graph_oracle
from skipbeat_models.graph_oracle import run_graph


def layer(name: str, load: Convolution, rng: np.random.Generator, *, raw: bool = False) -> IntegerLayer:
    """Random weights over all of int8, and parameters that spread the results."""
    one, k = load.gemm, load.c_out
    weight = rng.integers(-128, 128, (load.groups, one.c, one.k)).astype(np.int8)
    return IntegerLayer(
        name=name,
        workload=load,
        weight=weight if load.groups > 1 else weight[0],
        bias=rng.integers(-9999, 9999, k).astype(np.int32),
        multiplier=None if raw else rng.integers(1, 1 << 31, k),
        shift=None if raw else rng.integers(36, 42, k),
        low=int(rng.choice([-128, 0])),
        high=int(rng.choice([127, 50])),
    )


class Builder:
    """Adds nodes to a graph, each on the tensor before it."""

    def __init__(self, rng: np.random.Generator, shape: tuple[int, int, int]) -> None:
        self._rng = rng
        self._tensors = [Tensor(name="input", channels=shape[0], height=shape[1], width=shape[2])]
        self._nodes: list[Node] = []

    def add(
        self,
        c_out: int,
        kernel: tuple[int, int],
        *,
        stride: tuple[int, int] = (1, 1),
        padding: tuple[int, int] = (0, 0),
        dilation: tuple[int, int] = (1, 1),
        groups: int = 1,
        order: ReductionOrder = "kh,kw,cin",
        pool: Pool | None = None,
        residual: str | None = None,
        raw: bool = False,
    ) -> None:
        """A node called s0, s1, ..."""
        at, name = self._tensors[-1], f"s{len(self._nodes)}"
        load = Convolution(
            batch=1,
            c_in=at.channels,
            c_out=c_out,
            height=at.height,
            width=at.width,
            kernel=kernel,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            order=order,
        )
        node = Node(
            layer=layer(name, load, self._rng, raw=raw),
            input=at.name,
            output=name,
            pool=pool,
            residual=residual,
            residual_multiplier=self._rng.integers(0, 1 << 31, c_out) if residual else None,
        )
        self._nodes.append(node)
        channels, height, width = node.out_shape
        self._tensors.append(Tensor(name=name, channels=channels, height=height, width=width))

    def graph(self) -> Graph:
        """The nodes so far."""
        return Graph(
            tensors=tuple(self._tensors), nodes=tuple(self._nodes), input="input", output=self._nodes[-1].output
        )


def residual_graph(
    rng: np.random.Generator, order: ReductionOrder = "kh,kw,cin", groups: int = 1, stride: int = 1, dilation: int = 1
) -> Graph:
    """A convolution, one that keeps the shape and adds its input, a depthwise one with pooling, and raw sums."""
    builder = Builder(rng, (4, 7, 6))
    builder.add(6, (3, 2), stride=(stride, 1), padding=(2, 1), dilation=(dilation, 1), order=order)
    builder.add(6, (3, 3), padding=(1, 1), groups=groups, order=order, residual="s0")
    builder.add(6, (1, 1), groups=6, order=order, pool=Pool(kernel=(2, 2), stride=(1, 2)))
    builder.add(3, (2, 1), order=order, raw=True)
    return builder.graph()


@st.composite
def convolutions(draw: st.DrawFn) -> Convolution:
    def pair(low: int, high: int) -> tuple[int, int]:
        return draw(st.integers(low, high)), draw(st.integers(low, high))

    kernel, padding, dilation, groups = pair(1, 3), pair(0, 2), pair(1, 2), draw(st.integers(1, 3))
    smallest = [max(1, d * (n - 1) + 1 - 2 * p) for n, p, d in zip(kernel, padding, dilation, strict=True)]
    order: ReductionOrder = draw(st.sampled_from(("kh,kw,cin", "cin,kh,kw")))
    return Convolution(
        batch=1,
        c_in=groups * draw(st.integers(1, 3)),
        c_out=groups * draw(st.integers(1, 3)),
        height=smallest[0] + draw(st.integers(0, 4)),
        width=smallest[1] + draw(st.integers(0, 4)),
        kernel=kernel,
        stride=pair(1, 3),
        padding=padding,
        dilation=dilation,
        groups=groups,
        order=order,
    )


@given(convolutions(), st.integers(1, 2), st.integers(0, 2**31))
def test_a_convolutions_sums_are_pytorchs(load: Convolution, images: int, seed: int) -> None:
    """Of extreme values too, with rows of the weight placed one by one after the order's definition."""
    rng = np.random.default_rng(seed)
    values = np.array([-128, 127], np.int8) if rng.integers(2) else np.arange(-128, 128).astype(np.int8)
    x = rng.choice(values, (images, load.c_in, load.height, load.width))
    weight = rng.choice(values, (load.c_out, load.c_in // load.groups, *load.kernel))
    k, c, h, w = weight.shape
    matrix = np.zeros((load.groups, c * h * w, k // load.groups), np.int8)
    for out, channel, i, j in np.ndindex(weight.shape):
        row = (i * w + j) * c + channel if load.order == "kh,kw,cin" else (channel * h + i) * w + j
        matrix[out // matrix.shape[2], row, out % matrix.shape[2]] = weight[out, channel, i, j]
    bias = rng.integers(-(2**20), 2**20, k, np.int32)
    raw = IntegerLayer(name="conv", workload=load, weight=matrix if load.groups > 1 else matrix[0], bias=bias)
    given_map = Tensor(name="input", channels=load.c_in, height=load.height, width=load.width)
    found = run_graph(Graph.of(given_map, [Node(layer=raw, input="input", output="conv")]), x)["conv"]
    assert found.dtype == np.int32
    inputs, kernel, added = (torch.from_numpy(array.astype(np.float64)) for array in (x, weight, bias))
    expected = torch.nn.functional.conv2d(inputs, kernel, added, load.stride, load.padding, load.dilation, load.groups)
    np.testing.assert_array_equal(found, expected.numpy())


def weight_at(node: Node, k: int, c: int, tap: tuple[int, int]) -> int:
    """The weight of output k for channel c of its group at a kernel tap, by the contract's order of the axis."""
    load, matrix = node.convolution, node.layer.weight
    (height, width), depth = load.kernel, load.c_in // load.groups
    row = (tap[0] * width + tap[1]) * depth + c if load.order == "kh,kw,cin" else (c * height + tap[0]) * width + tap[1]
    if matrix.ndim == 2:
        return int(matrix[row, k])
    return int(matrix[k // load.gemm.k, row, k % load.gemm.k])


def pixel(node: Node, values: dict[str, Int8Array], k: int, y: int, x: int) -> int:
    """One result before pooling, in Python's integers."""
    load, source, layer = node.convolution, values[node.input], node.layer
    depth = load.c_in // load.groups
    total = int(layer.bias[k])
    for c, i, j in itertools.product(range(depth), range(load.kernel[0]), range(load.kernel[1])):
        row = y * load.stride[0] - load.padding[0] + i * load.dilation[0]
        column = x * load.stride[1] - load.padding[1] + j * load.dilation[1]
        if 0 <= row < load.height and 0 <= column < load.width:
            value = int(source[k // load.gemm.k * depth + c, row, column])
            total += value * weight_at(node, k, c, (i, j))
    if layer.multiplier is None or layer.shift is None:
        return total
    total *= int(layer.multiplier[k])
    if node.residual is not None and node.residual_multiplier is not None:
        total += int(values[node.residual][k, y, x]) * int(node.residual_multiplier[k])
    shift = int(layer.shift[k])
    return max(layer.low, min(layer.high, (total + (1 << shift - 1)) >> shift))


def by_loops(graph: Graph, x: Int8Array) -> dict[str, npt.NDArray[np.integer]]:
    """Every tensor of one image."""
    values: dict[str, npt.NDArray[np.integer]] = {graph.input: x}
    for node in graph.nodes:
        maps = {name: value.astype(np.int8) for name, value in values.items()}
        channels, height, width = node.out_shape
        window = node.window
        out = np.zeros(node.out_shape, np.int32)
        for k, y, column in itertools.product(range(channels), range(height), range(width)):
            out[k, y, column] = max(
                pixel(node, maps, k, y * window.stride[0] + i, column * window.stride[1] + j)
                for i in range(window.kernel[0])
                for j in range(window.kernel[1])
            )
        values[node.output] = out
    return values


@settings(max_examples=12)
@given(
    seed=st.integers(0, 2**32 - 1),
    order=st.sampled_from(["kh,kw,cin", "cin,kh,kw"]),
    groups=st.sampled_from([1, 2, 6]),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 2),
)
def test_every_tensor_is_that_of_the_loops(
    seed: int, order: ReductionOrder, groups: int, stride: int, dilation: int
) -> None:
    rng = np.random.default_rng(seed)
    graph = residual_graph(rng, order, groups, stride, dilation)
    x = rng.integers(-128, 128, (4, 7, 6)).astype(np.int8)
    values, expected = run_graph(graph, x), by_loops(graph, x)
    assert list(values) == ["input", "s0", "s1", "s2", "s3"]
    for name, value in values.items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)
        assert value.dtype.name == ("int32" if name == "s3" else "int8")


def test_many_images_are_run_as_one_by_one() -> None:
    rng = np.random.default_rng(1)
    graph = residual_graph(rng)
    images = rng.integers(-128, 128, (3, 4, 7, 6)).astype(np.int8)
    together = run_graph(graph, images)
    for number, image in enumerate(images):
        for name, value in run_graph(graph, image).items():
            np.testing.assert_array_equal(together[name][number], value)


@pytest.mark.parametrize("at_once", [1, 500])
def test_sums_of_some_outputs_at_a_time_are_those_of_all(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    load = Convolution(batch=1, c_in=6, c_out=10, height=5, width=4, kernel=(3, 3), padding=(1, 1))
    node = Node(layer=layer("layer", load, rng), input="a", output="b")
    x = rng.integers(-128, 128, (2, 6, 5, 4)).astype(np.int8)
    whole = graph_oracle.integer_sums(node, x)
    monkeypatch.setattr(graph_oracle, "_AT_ONCE", at_once)
    assert np.array_equal(graph_oracle.integer_sums(node, x), whole)


def test_halves_round_up_and_extremes_do_not_wrap() -> None:
    load = Convolution(batch=1, c_in=1, c_out=2, height=1, width=4, kernel=(1, 1))
    largest, most = (1 << 31) - 1, 2**31 - 1 - 127 * 127
    node = Node(
        layer=IntegerLayer(
            name="s0",
            workload=load,
            weight=np.array([[1, 127]], np.int8),
            bias=np.array([0, most], np.int32),
            multiplier=np.array([1, largest]),
            shift=np.array([1, 62]),
        ),
        input="input",
        output="s0",
        residual="input",
        residual_multiplier=np.array([0, largest]),
    )
    tensors = (Tensor(name="input", channels=1, height=1, width=4), Tensor(name="s0", channels=2, height=1, width=4))
    with pytest.raises(InputError, match="expected a residual of shape"):
        Graph(tensors=tensors, nodes=(node,), input="input", output="s0")
    wide = (dataclasses.replace(tensors[0], channels=2), tensors[1])
    load = dataclasses.replace(load, c_in=2)
    weight = np.array([[1, 0], [0, 127]], np.int8)
    node = dataclasses.replace(node, layer=dataclasses.replace(node.layer, workload=load, weight=weight))
    graph = Graph(tensors=wide, nodes=(node,), input="input", output="s0")
    x = np.array([[[-3, -1, 1, 3]], [[127, -128, 0, 1]]], np.int8)
    values = run_graph(graph, x)["s0"]
    assert values[0].tolist() == [[-1, 0, 1, 2]], "-1.5, -0.5, 0.5, 1.5"
    exact = [((127 * v + most) * largest + v * largest + (1 << 61)) >> 62 for v in (127, -128, 0, 1)]
    assert values[1].tolist() == [exact]


def test_bad_inputs_are_refused() -> None:
    graph = residual_graph(np.random.default_rng(2))
    for x in (np.zeros((4, 7, 5), np.int8), np.zeros((7, 6), np.int8), np.zeros((0, 4, 7, 6), np.int8)):
        with pytest.raises(InputError, match=r"expected int8 \[C, H, W\] or \[N, C, H, W\] of \(4, 7, 6\)"):
            run_graph(graph, x)


def test_sums_that_leave_int32_are_refused() -> None:
    graph = residual_graph(np.random.default_rng(3))
    node = graph.nodes[0]
    full = dataclasses.replace(node, layer=dataclasses.replace(node.layer, bias=np.full(6, 2**31 - 1, np.int32)))
    with pytest.raises(InputError, match="node s0: its sums do not fit int32"):
        run_graph(dataclasses.replace(graph, nodes=(full, *graph.nodes[1:])), np.full((4, 7, 6), 127, np.int8))
