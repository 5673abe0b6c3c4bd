"""One layer of a network as a network of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from skipbeat_arch.arrays import Int8Array
from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Graph
from skipbeat_models.graph_oracle import run_graph


def one_layer(graph: Graph, name: str, images: Int8Array) -> tuple[Graph, Int8Array]:
    """The graph of the node called `name` alone, and the int8 inputs [N, C, H, W] that the oracle gives it for images.

    Raises:
        InputError: there is no such node, or it adds a residual, so that it would have two inputs.
    """
    node = next((node for node in graph.nodes if node.layer.name == name), None)
    if node is None:
        names = ", ".join(node.layer.name for node in graph.nodes)
        raise InputError(f"layer {name}: the network has no such layer; expected one of {names}")
    if node.residual is not None:
        raise InputError(f"layer {name}: it adds {node.residual}; expected a layer with one input")
    tensors = (replace(graph.tensor(node.input), parts=()), graph.tensor(node.output))
    inputs = run_graph(graph, images)[node.input].astype(np.int8, copy=False)
    return Graph(tensors=tensors, nodes=(node,), input=node.input, output=node.output), inputs
