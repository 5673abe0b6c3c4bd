"""Random nodes for tests of single rooms of the mapper, and the input that their outputs need, by loops."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from skipbeat_arch.graph import Node, Pool
from skipbeat_arch.layer import IntegerLayer
from skipbeat_arch.workload import Convolution

Pair = tuple[int, int]

#: Of a random test that takes a second on a busy machine.
few = settings(max_examples=50)


def pairs(least: int, most: int) -> st.SearchStrategy[Pair]:
    """Two numbers, for rows and columns."""
    return st.tuples(st.integers(least, most), st.integers(least, most))


def node_of(conv: Convolution, pool: Pool | None = None, *, raw: bool = False, density: float = 1.0) -> Node:
    """A node with random weights, of which about `density` are not 0."""
    rng = np.random.default_rng(conv.c_in + conv.c_out)
    gemm, outputs = conv.gemm, np.ones(conv.c_out, np.int64)
    shape = (gemm.c, gemm.k) if conv.groups == 1 else (conv.groups, gemm.c, gemm.k)
    weight = np.where(rng.random(shape) < density, rng.integers(1, 128, shape), 0).astype(np.int8)
    layer = IntegerLayer(
        name="node",
        workload=conv,
        weight=weight,
        bias=np.zeros(conv.c_out, np.int32),
        multiplier=None if raw else outputs,
        shift=None if raw else outputs,
    )
    return Node(layer=layer, input="input", output="output", pool=pool)


@st.composite
def nodes(draw: st.DrawFn, *, channels: int = 20, larger: int = 8) -> Node:
    """A convolution on a map up to `larger` pixels larger than its smallest, with or without a pooling window."""
    kernel, stride, padding, dilation = (draw(pairs(*limits)) for limits in ((1, 3), (1, 3), (0, 2), (1, 2)))
    pool = draw(st.none() | st.builds(Pool, kernel=pairs(1, 3), stride=pairs(1, 3)))
    window = pool.kernel if pool else (1, 1)
    extra = draw(pairs(0, larger))
    height, width = (
        max(1, (kernel[i] - 1) * dilation[i] + 1 + (window[i] - 1) * stride[i] - 2 * padding[i]) + extra[i]
        for i in (0, 1)
    )
    conv = Convolution(
        batch=1,
        c_in=draw(st.integers(1, channels)),
        c_out=draw(st.integers(1, channels)),
        height=height,
        width=width,
        kernel=kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
    )
    density = draw(st.sampled_from([1.0, 0.3, 0.02]))
    return node_of(conv, pool, raw=pool is None and draw(st.booleans()), density=density)


@st.composite
def narrow_nodes(draw: st.DrawFn, *, channels: int = 32) -> Node:
    """A convolution whose groups have one, two or four channels, without pooling."""
    width = draw(st.sampled_from([1, 2, 4]))
    groups = draw(st.integers(2, channels // width))
    kernel, stride, padding = (draw(pairs(*limits)) for limits in ((1, 4), (1, 2), (0, 1)))
    size = draw(pairs(4, 6))
    conv = Convolution(
        batch=1,
        c_in=groups * width,
        c_out=groups * width,
        height=size[0],
        width=size[1],
        kernel=kernel,
        stride=stride,
        padding=padding,
        groups=groups,
    )
    return node_of(conv, raw=draw(st.booleans()), density=draw(st.sampled_from([1.0, 0.3])))


def preceded(node: Node) -> tuple[Node, Node]:
    """A node, and before it one that gives it its input."""
    conv = node.convolution
    plain = Convolution(batch=1, c_in=3, c_out=conv.c_in, height=conv.height, width=conv.width, kernel=(1, 1))
    first = node_of(plain)
    return dataclasses.replace(first, output="middle"), dataclasses.replace(node, input="middle")


def needed_pixels(node: Node, row: int, column: int) -> Iterator[Pair]:
    """Row and column in the padded map of all that an output (pooled) needs."""
    conv, pool = node.convolution, node.window
    for window_row, window_column in itertools.product(*map(range, pool.kernel)):
        for tap_row, tap_column in itertools.product(*map(range, conv.kernel)):
            yield (
                (row * pool.stride[0] + window_row) * conv.stride[0] + tap_row * conv.dilation[0],
                (column * pool.stride[1] + window_column) * conv.stride[1] + tap_column * conv.dilation[1],
            )


def in_map(node: Node, row: int, column: int) -> bool:
    """Whether a pixel of the padded map is one of the map, and no zero around it."""
    conv = node.convolution
    return 0 <= row - conv.padding[0] < conv.height and 0 <= column - conv.padding[1] < conv.width
