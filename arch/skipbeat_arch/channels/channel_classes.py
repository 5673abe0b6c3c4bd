"""Which tensors of a graph must have their channels in one order, and which nodes feel it."""

from __future__ import annotations

from dataclasses import dataclass

from ..graph import Graph, Node


@dataclass(frozen=True, kw_only=True)
class ChannelClass:
    """Tensors whose channels may be permuted, all alike.

    Tensors that meet in an addition are in one class, and so are input and output of a depthwise node.

    Attributes:
        tensors: names; channels: of each of them.
        writers, readers: numbers of the nodes with these channels as outputs or inputs, depthwise ones left out.
    """

    tensors: tuple[str, ...]
    channels: int
    writers: tuple[int, ...]
    readers: tuple[int, ...]


def channel_classes(graph: Graph) -> list[ChannelClass]:
    """The classes of a graph in the order of their first tensors.

    Inputs and outputs of other grouped convolutions keep their order, as a group's channels must stay together. So do
    concatenations and their parts.
    """
    parent = {tensor.name: tensor.name for tensor in graph.tensors}

    def root(name: str) -> str:
        while parent[name] != name:
            name = parent[name]
        return name

    fixed = [name for tensor in graph.tensors for name, _ in tensor.parts]
    fixed += [tensor.name for tensor in graph.tensors if tensor.parts]
    for node in graph.nodes:
        if node.residual is not None:
            parent[root(node.residual)] = root(node.output)
        if depthwise(node):
            parent[root(node.input)] = root(node.output)
        elif node.convolution.groups > 1:
            fixed += [node.input, node.output]
    refused = {root(name) for name in fixed}
    members: dict[str, list[str]] = {}
    for tensor in graph.tensors:
        members.setdefault(root(tensor.name), []).append(tensor.name)
    inner = [(number, node) for number, node in enumerate(graph.nodes) if node.convolution.groups == 1]
    return [
        ChannelClass(
            tensors=tuple(names),
            channels=graph.tensor(names[0]).channels,
            writers=tuple(number for number, node in inner if node.output in names),
            readers=tuple(number for number, node in inner if node.input in names),
        )
        for name, names in members.items()
        if name not in refused
    ]


def depthwise(node: Node) -> bool:
    """Whether each output has one input, of the same number."""
    load = node.convolution
    return load.groups > 1 and load.groups == load.c_in == load.c_out
