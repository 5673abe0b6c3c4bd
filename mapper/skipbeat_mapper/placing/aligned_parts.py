"""Concatenations as ranges of memory: each part begins with a channel block of its own.

A tensor lies in memory as blocks of V channels, so a part that fills its last block only partly leaves channels between
it and the next one. Whoever reads the concatenation has weights of zero there, which multiply whatever lies there.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from skipbeat_arch.arrays import Indices, Int64Array
from skipbeat_arch.channels.channel_classes import depthwise
from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Graph, Node, Tensor


def aligned_parts(graph: Graph, vector: int) -> Graph:
    """The graph with the parts of its concatenations at multiples of V channels; the same one if they are.

    Raises:
        InputError: a grouped convolution or an addition that reads a tensor with channels between its own, or such a
            tensor as the graph's output.
    """
    tensors = {tensor.name: tensor for tensor in graph.tensors}
    places: dict[str, Indices] = {}
    nodes = []
    for node in graph.nodes:
        for read in (node.input, node.residual):
            if read is not None:
                _align(tensors[read], tensors, places, vector)
        inputs = places.get(node.input)
        if inputs is not None and depthwise(node):
            places[node.output] = inputs
            tensors[node.output] = dataclasses.replace(tensors[node.output], channels=tensors[node.input].channels)
        _check(node, graph, places)
        nodes.append(node if inputs is None else _spread(node, inputs, tensors[node.input].channels))
    ordered = tuple(tensors[tensor.name] for tensor in graph.tensors)
    return dataclasses.replace(graph, tensors=ordered, nodes=tuple(nodes))


def _align(tensor: Tensor, tensors: dict[str, Tensor], places: dict[str, Indices], vector: int) -> None:
    """Finds the places of a concatenation's channels, after those of its parts."""
    for name, _ in tensor.parts:
        _align(tensors[name], tensors, places, vector)
    if all(first % vector == 0 and name not in places for name, first in tensor.parts):
        return
    found, parts, end = list[Indices](), list[tuple[str, int]](), 0
    for name, _ in tensor.parts:
        part = tensors[name]
        first = -(-end // vector) * vector
        own = places.get(name)
        found.append(first + (np.arange(part.channels) if own is None else own))
        parts.append((name, first))
        end = first + part.channels
    channels = np.concatenate(found)
    if end > len(channels):
        places[tensor.name] = channels
    tensors[tensor.name] = dataclasses.replace(tensor, channels=end, parts=tuple(parts))


def _check(node: Node, graph: Graph, places: dict[str, Indices]) -> None:
    name = node.layer.name
    if node.input in places and node.convolution.groups > 1 and not depthwise(node):
        raise InputError(f"node {name}: a grouped convolution cannot read parts that do not fill blocks of channels")
    if node.residual is not None and (node.residual in places or node.output in places):
        raise InputError(f"node {name}: an addition cannot have parts that do not fill blocks of channels")
    if graph.output in places:
        raise InputError(f"node {name}: the output cannot have parts that do not fill blocks of channels")


def _spread(node: Node, places: Indices, channels: int) -> Node:
    """A node whose input channels have other places, with zeros between them; a depthwise one's outputs as well."""
    load, layer = node.convolution, node.layer
    if depthwise(node):
        weight = np.zeros((channels, *layer.weight.shape[1:]), np.int8)
        weight[places] = layer.weight

        def spread(values: Int64Array | None) -> Int64Array | None:
            if values is None:
                return None
            wide = np.ones(channels, values.dtype)
            wide[places] = values
            return wide

        bias = np.zeros(channels, layer.bias.dtype)
        bias[places] = layer.bias
        load = dataclasses.replace(load, c_in=channels, c_out=channels, groups=channels)
        layer = dataclasses.replace(
            layer,
            workload=load,
            weight=weight,
            bias=bias,
            multiplier=spread(layer.multiplier),
            shift=spread(layer.shift),
        )
        return dataclasses.replace(node, layer=layer, alike=False)
    if load.order == "kh,kw,cin":
        full = np.zeros((node.taps, channels, load.c_out), np.int8)
        full[:, places] = layer.weight.reshape(node.taps, load.c_in, load.c_out)
    else:
        full = np.zeros((channels, node.taps, load.c_out), np.int8)
        full[places] = layer.weight.reshape(load.c_in, node.taps, load.c_out)
    load = dataclasses.replace(load, c_in=channels)
    layer = dataclasses.replace(layer, workload=load, weight=full.reshape(-1, load.c_out))
    return dataclasses.replace(node, layer=layer)
