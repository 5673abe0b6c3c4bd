"""A graph whose tensors have their channels in another order, and that computes the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from skipbeat_arch.arrays import Indices, Int64Array
from skipbeat_arch.graph import Graph, Node

#: The channel at each place: intp [channels], every one once.


def permuted(graph: Graph, orders: Mapping[str, Indices]) -> Graph:
    """The graph with place i of a tensor's channels taken by channel `orders[name][i]`, where there is an order.

    Args:
        orders: of tensors; those of one class (`channel_classes`) have the same.
    """
    nodes = tuple(_permuted(node, orders.get(node.input), orders.get(node.output)) for node in graph.nodes)
    return dataclasses.replace(graph, nodes=nodes)


def _permuted(node: Node, inputs: Indices | None, outputs: Indices | None) -> Node:
    """A node with its inputs and outputs in other orders."""
    if inputs is None and outputs is None:
        return node
    load, layer = node.convolution, node.layer
    into = np.arange(load.c_in) if inputs is None else inputs
    out = np.arange(load.c_out) if outputs is None else outputs
    if load.groups > 1:
        weight = layer.weight[out]
    elif load.order == "kh,kw,cin":
        weight = layer.weight.reshape(node.taps, load.c_in, load.c_out)[:, into][:, :, out]
    else:
        weight = layer.weight.reshape(load.c_in, node.taps, load.c_out)[into][:, :, out]

    def of_outputs(values: Int64Array | None) -> Int64Array | None:
        return None if values is None else values[out]

    permuted_layer = dataclasses.replace(
        layer,
        weight=weight.reshape(layer.weight.shape),
        bias=layer.bias[out],
        multiplier=of_outputs(layer.multiplier),
        shift=of_outputs(layer.shift),
    )
    return dataclasses.replace(node, layer=permuted_layer, residual_multiplier=of_outputs(node.residual_multiplier))
