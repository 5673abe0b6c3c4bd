"""Folds the input: an image has few channels, and a vector has room for several of its pixels.

Every vector goes to V / M neighbouring banks. The channels of an image need one or two of them; the others take pixels
further right, so that a row of the array has work for them and a reduction tile covers as many taps more. The host
lays the image out so (`skipbeat_arch.fold`); nothing more crosses the bus, as what is filled was padding.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from skipbeat_arch.arrays import Int8Array
from skipbeat_arch.fold import Fold
from skipbeat_arch.graph import Graph, Node, Tensor
from skipbeat_arch.machine import Machine

from .node_tiles import tap_weights


def fold_input(graph: Graph, machine: Machine) -> tuple[Graph, Fold | None]:
    """The graph on a folded input, or the same graph if that would gain nothing."""
    readers = [node for node in graph.nodes if graph.input in (node.input, node.residual)]
    if len(readers) != 1 or readers[0].input != graph.input or readers[0].residual == graph.input:
        return graph, None
    conv = readers[0].convolution
    group = machine.hw.array.group
    depth = -(-conv.c_in // group) * group
    copies = min(machine.vector // depth, conv.kernel[1])
    if copies < 2 or conv.groups > 1:
        return graph, None
    stride = math.gcd(conv.stride[1], copies * conv.dilation[1])
    taps = -(-conv.kernel[1] // copies)
    reach = (conv.out_size[1] - 1) * conv.stride[1] + (taps - 1) * copies * conv.dilation[1]
    fold = Fold(
        shape=graph.tensor(graph.input).shape,
        copies=copies,
        depth=depth,
        distance=conv.dilation[1],
        stride=stride,
        padding=conv.padding[1],
        width=reach // stride + 1,
    )
    node = _folded_node(readers[0], fold, taps)
    channels, height, width = fold.folded_shape
    folded = Tensor(name=graph.input, channels=channels, height=height, width=width)
    return dataclasses.replace(
        graph,
        tensors=tuple(folded if t.name == graph.input else t for t in graph.tensors),
        nodes=tuple(node if s is readers[0] else s for s in graph.nodes),
    ), fold


def _folded_node(node: Node, fold: Fold, taps: int) -> Node:
    conv = node.convolution
    load = dataclasses.replace(
        conv,
        c_in=fold.folded_shape[0],
        width=fold.width,
        kernel=(conv.kernel[0], taps),
        stride=(conv.stride[0], conv.stride[1] // fold.stride),
        padding=(conv.padding[0], 0),
        dilation=(conv.dilation[0], fold.copies * conv.dilation[1] // fold.stride),
        order="kh,kw,cin",
    )
    return dataclasses.replace(
        node, layer=dataclasses.replace(node.layer, workload=load, weight=_folded_weight(node, fold, taps))
    )


def _folded_weight(node: Node, fold: Fold, taps: int) -> Int8Array:
    """Weights int8 [kernel rows · taps · folded channels, K]."""
    (rows, columns), channels = node.convolution.kernel, node.convolution.c_in
    outputs = node.convolution.c_out
    full = np.zeros((rows, taps * fold.copies, fold.depth, outputs), np.int8)
    full[:, :columns, :channels] = tap_weights(node).reshape(rows, columns, channels, outputs)
    return full.reshape(-1, outputs)
