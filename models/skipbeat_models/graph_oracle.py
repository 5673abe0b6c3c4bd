"""The integer oracle of graphs: what the accelerator must give for every tensor, from the mathematics of each node.

It knows nothing of groups, tiles, buffers or instructions. Convolutions run in PyTorch's float64, which is exact for
integers as long as every partial sum is below 2**53; that is asserted from the weights. The rest runs in int64.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from skipbeat_arch.arrays import Int8Array, Int32Array, Int64Array
from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Graph, Node, Pool
from skipbeat_arch.training.noted import round_noted

from .banded_convolution import convolution
from .max_windows import largest
from .reduction import weight_from_matrix

_EXACT = 2.0**53
#: Weights that are multiplied by at a time, to bound the memory.
_AT_ONCE = 1 << 20
_INT32 = 2**31

Values = dict[str, Int8Array | Int32Array]


def run_graph(graph: Graph, x: Int8Array) -> Values:
    """Every tensor of a graph by its name, the input among them.

    Args:
        x: int8 [C, H, W] or [N, C, H, W].

    Returns:
        int8 of the same number of dimensions; int32 where a node has no multiplier. Of a node with places bytes and
        places, [2, C, H, W] or [N, 2, C, H, W].

    Raises:
        InputError: an input of another type or shape, sums that leave int32, or bytes that are rounded at random.
    """
    shape = graph.tensor(graph.input).shape
    if x.dtype != np.int8 or x.ndim not in (3, 4) or x.shape[-3:] != shape or len(x) == 0:
        raise InputError(f"input {x.dtype} {x.shape}: expected int8 [C, H, W] or [N, C, H, W] of {shape}")
    maps: dict[str, Int8Array] = {graph.input: x if x.ndim == 4 else x[None]}
    values: Values = {graph.input: maps[graph.input]}
    for node in graph.nodes:
        if node.seed is not None:
            raise InputError(f"node {node.layer.name}: what is rounded at random depends on the draws of a program")
        sums, layer = _sums(node, _map(graph, node.input, maps)), node.layer
        if layer.multiplier is None or layer.shift is None:
            values[node.output] = sums.astype(np.int32)
            continue
        product = sums * layer.multiplier[:, None, None]
        if node.residual is not None and node.residual_multiplier is not None:
            product += _map(graph, node.residual, maps).astype(np.int64) * node.residual_multiplier[:, None, None]
        shift = layer.shift[:, None, None]
        if node.noted:
            result, _ = round_noted(product, shift, layer.low, layer.high)
        else:
            result = _shifted(product, shift, layer.low, layer.high)
        maps[node.output] = pooled = _pooled(result, node.window)
        values[node.output] = pooled
        if node.places:
            _, places = largest(sums, node.window)
            values[node.output] = np.stack([pooled, places.clip(layer.low, layer.high)], axis=1)
    values |= {tensor.name: _map(graph, tensor.name, maps) for tensor in graph.tensors if tensor.parts}
    return values if x.ndim == 4 else {name: value[0] for name, value in values.items()}


def run_products(graph: Graph, x: Int8Array, operands: Int8Array) -> Int8Array | Int32Array:
    """Products of two activations by the graph's only node.

    Args:
        x: int8 [N, C, 1, P], the first operand of each. operands: int8 [N, C, K], the second ones.

    Returns:
        int8 [N, K, 1, P]; int32 if the node has no multiplier.

    Raises:
        InputError: as for `run_graph`.
    """
    (node,) = graph.nodes
    found = []
    for rows, weight in zip(x, operands, strict=True):
        own = replace(node, layer=replace(node.layer, weight=weight))
        found.append(run_graph(replace(graph, nodes=(own,)), rows)[graph.output])
    return np.array(found, np.int32) if node.raw else np.array(found, np.int8)


def _map(graph: Graph, name: str, maps: dict[str, Int8Array]) -> Int8Array:
    """A tensor int8 [N, C, H, W]; one of parts is put together when it is first read."""
    if name not in maps:
        tensor = graph.tensor(name)
        parts = [(first, _map(graph, part, maps)) for part, first in tensor.parts]
        maps[name] = np.zeros((len(parts[0][1]), *tensor.shape), np.int8)
        for first, part in parts:
            maps[name][:, first : first + part.shape[1]] = part
    return maps[name]


def _sums(node: Node, x: Int8Array) -> Int64Array:
    """`x * w + bias`, int64 [N, K, H, W]."""
    exact = integer_sums(node, x)
    with_bias: Int64Array = exact + node.layer.bias[:, None, None]
    if max(np.abs(exact).max(), np.abs(with_bias).max()) >= _INT32:
        raise InputError(f"node {node.layer.name}: its sums do not fit int32")
    return with_bias


def integer_sums(node: Node, x: Int8Array) -> Int64Array:
    """`x * w` without bias for int8 [N, C, H, W], int64 [N, K, H, W].

    Raises:
        InputError: sums that float64 cannot hold exactly.
    """
    weight, load = node.layer.weight, node.convolution
    matrix = weight if weight.ndim == 2 else weight.transpose(1, 0, 2).reshape(weight.shape[1], -1)
    if 128 * int(np.abs(matrix).view(np.uint8).sum(axis=0, dtype=np.int64).max()) >= _EXACT:
        raise InputError(f"layer {node.layer.name}: float64 cannot hold its sums exactly")
    inputs = torch.from_numpy(x.astype(np.float64))
    sums = np.empty((len(x), load.c_out, *load.out_size), np.int64)
    at_a_time = load.c_out if load.groups > 1 else max(1, _AT_ONCE // len(matrix))
    for first in range(0, load.c_out, at_a_time):
        part = torch.from_numpy(matrix[:, first : first + at_a_time].astype(np.float64))
        shape = (part.shape[1], load.c_in // load.groups, *load.kernel)
        kernel = weight_from_matrix(part, shape, load.order)
        found = convolution(inputs, kernel, None, load.stride, load.padding, load.dilation, load.groups)
        sums[:, first : first + at_a_time] = found.numpy()
    return sums


def _shifted(product: Int64Array, shift: Int64Array, low: int, high: int) -> Int8Array:
    """Rounded half up and clamped; products are below 2**62 + 2**38 in magnitude, so int64 holds every value here."""
    rounded = (product + (np.int64(1) << (shift - 1))) >> shift
    clamped: Int8Array = np.clip(rounded, low, high).astype(np.int8)
    return clamped


def _pooled(x: Int8Array, window: Pool) -> Int8Array:
    if window.kernel == (1, 1) and window.stride == (1, 1):
        return x
    values = torch.from_numpy(x.astype(np.float64))  # torch pools floats only; int8 is exact in float64
    return torch.nn.functional.max_pool2d(values, window.kernel, window.stride).numpy().astype(np.int8)
