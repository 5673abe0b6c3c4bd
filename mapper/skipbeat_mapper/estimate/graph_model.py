"""A graph of integer layers as a model that is priced: the program of the estimate is the one that runs."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np

from skipbeat_arch.graph import Graph, Node
from skipbeat_arch.model import LayerKind, LayerPart, ModelDescription, ModelLayer, ModelRun, WeightZeros
from skipbeat_arch.pattern import measured_pattern
from skipbeat_arch.workload import Convolution


def graph_model(graph: Graph, name: str, images: int = 1) -> ModelDescription:
    """The model whose only run is this graph.

    Args:
        name: of the model.
        images: computed by one run.
    """
    names = tuple(node.layer.name for node in graph.nodes)
    return ModelDescription(
        name=name,
        layers=tuple(_layer(node, images) for node in graph.nodes),
        runs=(ModelRun(key=graph, structure=graph, graph=lambda: graph, names=names, layers=names, images=images),),
        batch=images,
    )


def _layer(node: Node, images: int) -> ModelLayer:
    conv, weight = node.convolution, node.layer.weight
    nonzero = weight != 0
    sizes = "x".join(map(str, (conv.c_out, conv.c_in // conv.groups, *conv.kernel)))
    key = hashlib.sha256(np.packbits(nonzero).tobytes()).digest()
    zeros = WeightZeros(key=(conv, key), nonzero=lambda: nonzero)
    return ModelLayer(
        name=node.layer.name,
        kind=_kind(conv),
        parts=(LayerPart(workload=replace(conv, batch=images), weight=zeros),),
        shape=f"{sizes} on {conv.height}x{conv.width}",
        pattern=measured_pattern(weight.reshape(-1, weight.shape[-1])),
        density=float(nonzero.mean()),
    )


def _kind(conv: Convolution) -> LayerKind:
    if conv.groups == 1:
        return LayerKind.LINEAR if conv.out_size == (1, 1) else LayerKind.CONVOLUTION
    return LayerKind.DEPTHWISE if conv.groups == conv.c_in else LayerKind.GROUPED
