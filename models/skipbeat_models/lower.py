"""From a quantised network to the accelerator's graph: every stage becomes part of a convolution."""

from __future__ import annotations

import dataclasses

import numpy as np

from skipbeat_arch.errors import InputError
from skipbeat_arch.graph import Graph, Node, Pool, Tensor
from skipbeat_arch.layer import IntegerLayer
from skipbeat_arch.numbers import MULTIPLIER_BITS
from skipbeat_arch.workload import Convolution, Gemm

from .network import Flatten, IntegerNetwork, MaxPool


def to_graph(network: IntegerNetwork) -> Graph:
    """A network of convolutions, max pooling and linear layers as steps of the accelerator.

    Max pooling joins the layer before it. Where that cannot be, it becomes a node of its own: a depthwise 1x1
    convolution that copies, whose zero padding never wins because its input is not negative. A linear layer is a
    convolution whose kernel is the map that was flattened.

    Raises:
        InputError: a stage that the accelerator cannot run.
    """
    tensors = [
        Tensor(
            name="input", channels=network.input_shape[0], height=network.input_shape[1], width=network.input_shape[2]
        )
    ]
    nodes: list[Node] = []
    for stage in network.stages:
        if isinstance(stage, Flatten):
            continue  # a linear layer reads the map as it lies
        at = tensors[-1]
        if isinstance(stage, MaxPool):
            pool = Pool(kernel=stage.kernel, stride=stage.stride)
            if nodes and _joins(nodes[-1], stage):
                nodes[-1] = dataclasses.replace(nodes[-1], pool=pool)
                tensors[-1] = _output(nodes[-1])
                continue
            low = nodes[-1].layer.low if nodes else -128
            if stage.padding != (0, 0) and low < 0:
                raise InputError(f"stage {stage.name}: max pooling with padding needs an input without negative values")
            nodes.append(Node(layer=_copy(stage, at), input=at.name, output=stage.name, pool=pool))
        else:
            nodes.append(Node(layer=_as_convolution(stage, at), input=at.name, output=stage.name))
        tensors.append(_output(nodes[-1]))
    return Graph(tensors=tuple(tensors), nodes=tuple(nodes), input="input", output=tensors[-1].name)


def _joins(node: Node, stage: MaxPool) -> bool:
    """Whether a pooling can be done at the output of the node before it, without computing a pixel twice."""
    whole = stage.kernel == stage.stride and stage.padding == (0, 0)
    return whole and node.pool is None and node.residual is None and not node.raw


def _output(node: Node) -> Tensor:
    channels, height, width = node.out_shape
    return Tensor(name=node.output, channels=channels, height=height, width=width)


def _as_convolution(layer: IntegerLayer, at: Tensor) -> IntegerLayer:
    """A layer over the map `at`; a linear layer's reduction axis becomes that of its kernel: channel fastest."""
    load = layer.workload
    if isinstance(load, Convolution):
        return layer
    if not isinstance(load, Gemm) or load.p != 1 or load.c != at.channels * at.height * at.width:
        raise InputError(f"layer {layer.name}: expected a linear layer on the {at.shape} values before it")
    whole = Convolution(
        batch=1, c_in=at.channels, c_out=load.k, height=at.height, width=at.width, kernel=(at.height, at.width)
    )
    weight = layer.weight.reshape(at.channels, at.height, at.width, load.k).transpose(1, 2, 0, 3)
    return dataclasses.replace(layer, workload=whole, weight=np.ascontiguousarray(weight.reshape(load.c, load.k)))


def _copy(stage: MaxPool, at: Tensor) -> IntegerLayer:
    """The depthwise layer that copies its input (zeros around it), before pooling."""
    load = Convolution(
        batch=1,
        c_in=at.channels,
        c_out=at.channels,
        height=at.height,
        width=at.width,
        kernel=(1, 1),
        padding=stage.padding,
        groups=at.channels,
    )
    one, channels = MULTIPLIER_BITS - 1, at.channels
    return IntegerLayer(
        name=stage.name,
        workload=load,
        weight=np.ones((channels, 1, 1), np.int8),
        bias=np.zeros(channels, np.int32),
        multiplier=np.full(channels, 1 << one, np.int64),
        shift=np.full(channels, one, np.int64),
    )
