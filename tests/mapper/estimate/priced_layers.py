"""Layers and runs of models made by hand, and their programs with real weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from skipbeat_arch.arrays import BoolArray
from skipbeat_arch.graph import Graph
from skipbeat_arch.model import LayerKind, LayerPart, ModelDescription, ModelLayer, ModelRun, WeightZeros
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.workload import Convolution, Workload, one_image
from skipbeat_mapper.layer_graph import layer_graph, weight_shape
from tests.mapper.networks import random_graph


def pattern_zeros(shape: tuple[int, ...], n: int, m: int, seed: int) -> BoolArray:
    """bool of `shape`: n random places of every m along the second-last axis."""
    *outer, channels, outputs = shape
    groups = -(-channels // m)
    order = np.random.default_rng(seed).random((*outer, groups, m, outputs)).argsort(axis=-2)
    return (order < n).reshape(*outer, groups * m, outputs)[..., :channels, :]


def random_zeros(shape: tuple[int, ...], density: float, seed: int) -> BoolArray:
    """bool of `shape`, unstructured."""
    return np.random.default_rng(seed).random(shape) < density


def part_of(workload: Workload, nonzero: BoolArray, *, repeats: int = 1, key: object = None) -> LayerPart:
    """A part with these zeros."""
    return LayerPart(
        workload=workload, weight=WeightZeros(key=key or id(nonzero), nonzero=lambda: nonzero), repeats=repeats
    )


def layer_of(name: str, *parts: LayerPart, stored: bool = True, density: float = 1.0) -> ModelLayer:
    """A layer of these parts."""
    kind = LayerKind.CONVOLUTION if isinstance(parts[0].workload, Convolution) else LayerKind.LINEAR
    return ModelLayer(
        name=name, kind=kind, parts=parts, shape="by hand", pattern=Pattern("dense"), density=density, stored=stored
    )


def part_run(part: LayerPart, name: str = "layer") -> ModelRun:
    """A part of a layer as a run of its own."""
    conv, images = one_image(part.workload)

    def graph() -> Graph:
        return layer_graph(conv, part.weight.nonzero().view(np.int8), name)

    return ModelRun(
        key=(conv, part.weight.key),
        structure=conv,
        graph=graph,
        names=(name,),
        layers=(name,),
        repeats=images * part.repeats,
    )


def description_of(*layers: ModelLayer) -> ModelDescription:
    """A model of these layers, each part a run of its own."""
    runs = tuple(part_run(part, layer.name) for layer in layers for part in layer.parts)
    return ModelDescription(name="model", layers=layers, runs=runs)


def graph_run(graph: Graph, layers: Sequence[str | None] = ()) -> ModelRun:
    """A whole graph as a run; its nodes are layers unless told otherwise."""
    names = tuple(node.layer.name for node in graph.nodes)
    return ModelRun(key=graph, structure=graph, graph=lambda: graph, names=names, layers=tuple(layers) or names)


def zeros_for(workload: Workload, n: int, m: int = 4, seed: int = 0) -> BoolArray:
    """N:M zeros of the workload's weights."""
    return pattern_zeros(weight_shape(one_image(workload)[0]), n, m, seed)


def conv(
    c_in: int, c_out: int, size: int, kernel: int, *, stride: int = 1, groups: int = 1, batch: int = 1
) -> Convolution:
    """A square convolution that keeps the size but for its stride."""
    return Convolution(
        batch=batch,
        c_in=c_in,
        c_out=c_out,
        height=size,
        width=size,
        kernel=(kernel, kernel),
        stride=(stride, stride),
        padding=(kernel // 2, kernel // 2),
        groups=groups,
    )


def resnet18_workloads() -> list[Convolution]:
    """The convolutions and the linear layer of ResNet-18 at 224x224, in order."""
    layers = [conv(3, 64, 224, 7, stride=2)]
    channels, size = 64, 56
    for outputs in (64, 128, 256, 512):
        stride = 1 if outputs == 64 else 2
        layers.append(conv(channels, outputs, size, 3, stride=stride))
        if stride == 2:
            layers.append(conv(channels, outputs, size, 1, stride=2))
        size //= stride
        layers += [conv(outputs, outputs, size, 3)] * 3
        channels = outputs
    return [*layers, conv(512, 1000, 1, 1)]


def resnet18(n: int) -> ModelDescription:
    """ResNet-18 with n of 4 weights, the first layer dense; each layer a program of its own."""
    layers = []
    for number, workload in enumerate(resnet18_workloads()):
        zeros = zeros_for(workload, n if number else 4, seed=number)
        layers.append(layer_of(f"layer{number}", part_of(workload, zeros, key=(number, n)), density=n / 4))
    return description_of(*layers)


def known_run(seed: int, side: int = 6, channels: int = 12) -> ModelRun:
    """A run of several nodes whose key says all of its content, as a source's does."""
    run = graph_run(random_graph(np.random.default_rng(seed), side=side, channels=channels))
    return dataclasses.replace(run, key=("seed", seed), structure=("structure", seed))


def with_weights(graph: Graph, seed: int) -> Graph:
    """The graph with random weights where its weights are not zero, and with random parameters."""
    rng = np.random.default_rng(seed)
    nodes = []
    for node in graph.nodes:
        there, channels = node.layer.weight != 0, node.layer.bias.size
        weight = (rng.choice(np.array([-128, -37, -1, 1, 5, 127], np.int8), there.shape) * there).astype(np.int8)
        layer = dataclasses.replace(node.layer, weight=weight, bias=rng.integers(-99, 99, channels).astype(np.int32))
        nodes.append(dataclasses.replace(node, layer=layer))
    return dataclasses.replace(graph, nodes=tuple(nodes))


def cropped(part: LayerPart, rows: int, columns: int, channels: int, outputs: int) -> LayerPart:
    """A part with a smaller map and fewer channels; zeros of what is left stay where they are."""
    workload, _ = one_image(part.workload)
    depth, wide = workload.c_in // workload.groups, workload.c_out // workload.groups
    groups = max(1, min(workload.groups, channels // depth)) if workload.groups > 1 else 1
    inner, outer = (depth, wide) if groups > 1 else (min(depth, channels), min(wide, outputs))
    least = [(k - 1) * d + 1 for k, d in zip(workload.kernel, workload.dilation, strict=True)]
    small = dataclasses.replace(
        workload,
        c_in=groups * inner,
        c_out=groups * outer,
        groups=groups,
        height=max(min(workload.height, rows), least[0]),
        width=max(min(workload.width, columns), least[1]),
    )
    taps = workload.kernel[0] * workload.kernel[1]
    axes = (taps, depth) if workload.order == "kh,kw,cin" else (depth, taps)
    full = part.weight.nonzero().reshape(workload.groups, *axes, wide)[:groups, :, :, :outer]
    full = full[:, :, :inner] if workload.order == "kh,kw,cin" else full[:, :inner]
    return part_of(small, np.ascontiguousarray(full).reshape(weight_shape(small)))
