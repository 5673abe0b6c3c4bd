"""A graph by plain integer arithmetic: tap by tap, and the output stage from its formula."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.arrays import Int8Array, Int64Array
from skipbeat_arch.graph import Graph, Node
from skipbeat_arch.workload import Convolution


def run_graph(graph: Graph, x: Int8Array) -> dict[str, Int64Array]:
    """Every tensor int64 [C, H, W] of an image int8 [C, H, W]."""
    values: dict[str, Int64Array] = {graph.input: x.astype(np.int64)}
    for node in graph.nodes:
        _join(graph, node.input, values)
        values[node.output] = _run_step(node, values)
    return values


def _join(graph: Graph, name: str, values: dict[str, Int64Array]) -> None:
    """Puts a concatenation together from its parts."""
    tensor = graph.tensor(name)
    if name in values or not tensor.parts:
        return
    values[name] = np.zeros(tensor.shape, np.int64)
    for part, first in tensor.parts:
        _join(graph, part, values)
        values[name][first : first + len(values[part])] = values[part]


def _run_step(node: Node, values: dict[str, Int64Array]) -> Int64Array:
    layer = node.layer
    total = _convolve(values[node.input], layer.weight, node.convolution) + layer.bias[:, None, None]
    if layer.multiplier is None or layer.shift is None:
        return total
    product = total * layer.multiplier[:, None, None]
    if node.residual is not None and node.residual_multiplier is not None:
        product = product + values[node.residual] * node.residual_multiplier[:, None, None]
    shift = layer.shift[:, None, None]
    out = np.clip((product + (np.int64(1) << (shift - 1))) >> shift, layer.low, layer.high)
    window = node.window
    windows = np.lib.stride_tricks.sliding_window_view(out, window.kernel, axis=(1, 2))
    strided = windows[:, :: window.stride[0], :: window.stride[1]]
    return np.asarray(strided.max(axis=(3, 4)), np.int64)


def _convolve(x: Int64Array, weight: Int8Array, load: Convolution) -> Int64Array:
    """Sums int64 [K, out_h, out_w]; products and sums are exact in float64, far below 2**53."""
    groups, depth = load.groups, load.c_in // load.groups
    per_group = weight.reshape(groups, -1, load.c_out // groups).astype(np.float64)
    shape = (groups, *load.kernel, depth, load.c_out // groups)
    if load.order == "cin,kh,kw":
        taps = per_group.reshape(groups, depth, *load.kernel, -1).transpose(0, 2, 3, 1, 4)
    else:
        taps = per_group.reshape(shape)
    padded = np.pad(x, ((0, 0), *((p, p) for p in load.padding))).astype(np.float64)
    padded = padded.reshape(groups, depth, *padded.shape[1:])
    height, width = load.out_size
    sums = np.zeros((groups, load.c_out // groups, height * width))
    for row in range(load.kernel[0]):
        for column in range(load.kernel[1]):
            top, left = row * load.dilation[0], column * load.dilation[1]
            part = padded[:, :, top :: load.stride[0], left :: load.stride[1]][:, :, :height, :width]
            sums += taps[:, row, column].transpose(0, 2, 1) @ part.reshape(groups, depth, -1)
    return sums.reshape(load.c_out, height, width).astype(np.int64)
