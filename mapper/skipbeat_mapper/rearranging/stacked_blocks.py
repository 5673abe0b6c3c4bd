"""Averages whose channel blocks are computed as one: blocks of V channels, one below the other, as a map of V channels.

A tensor lies in memory block by block (`skipbeat_arch.tensor_layout`), so C / V blocks of H lines are also one block of
C / V · H lines. Where all channels are computed alike and no window reaches into the block below, the node is then one
column tile: its tiles enter the array once for all blocks. A global average has one pixel in a block, and each of its
tiles would take R · C / L clocks to load for a step.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.channels.channel_classes import depthwise
from skipbeat_arch.graph import Graph, Node
from skipbeat_arch.machine import Machine
from skipbeat_arch.tensor_layout import channel_blocks

from ..placing.banks import Banks

#: A node is not stacked if that saves less than this share of the clocks of the way through memory, and without a trial
#: if it saves more than that many times these. What overlaps with its neighbours is in neither of the two.
DOUBTFUL = 0.5, 6


def stackings(graph: Graph, machine: Machine, images: int) -> Iterator[Graph]:
    """The graph with the blocks of nodes stacked where that pays, and before it the same without doubtful ones.

    Args:
        graph: the network.
        machine: the hardware.
        images: side by side.
    """
    worth = [_worth(node, machine, images) if _stackable(node, machine) else 0.0 for node in graph.nodes]
    low, high = DOUBTFUL
    for least in (high, low) if any(low < each <= high for each in worth) else (high,):
        nodes = zip(graph.nodes, worth, strict=True)
        chosen = tuple(_stacked(node, machine) if each > least else node for node, each in nodes)
        yield dataclasses.replace(graph, nodes=chosen)


def _worth(node: Node, machine: Machine, images: int) -> float:
    """Clocks that tiles save that enter the array once, by those of the way of inputs and outputs through memory."""
    conv, array = node.convolution, machine.hw.array
    height, width = conv.out_size
    blocks = channel_blocks(conv.c_in, machine.vector)
    tiles = -(-node.taps // Banks.of(machine.vector, machine).taps)
    loading = array.rows * max(1, array.cols // machine.hw.weights.decode_lanes)
    saved = blocks * tiles * (loading - height * width * images)
    vectors = blocks * (conv.height * conv.width + height * width) * images
    return saved / (vectors * machine.vector_beats + 4 * machine.hw.memory.latency_clocks)


def _stackable(node: Node, machine: Machine) -> bool:
    """Whether blocks are alike, and windows do not reach from one into the next."""
    conv = node.convolution
    whole = conv.c_in > machine.vector and conv.c_in % machine.vector == 0
    apart = conv.kernel[0] == conv.stride[0] and conv.height % conv.kernel[0] == 0 and conv.padding[0] == 0
    plain = node.pool is None and node.residual is None and node.vectors == 1 and conv.dilation[0] == 1
    return node.alike and depthwise(node) and whole and apart and plain


def _stacked(node: Node, machine: Machine) -> Node:
    """The node on a map of V channels, with the numbers of the first V of its own, which are those of all."""
    conv, layer, vector = node.convolution, node.layer, machine.vector
    blocks = channel_blocks(conv.c_in, vector)

    def first(values: Int64Array | None) -> Int64Array | None:
        return None if values is None else values[:vector]

    workload = dataclasses.replace(conv, c_in=vector, c_out=vector, groups=vector, height=blocks * conv.height)
    layer = dataclasses.replace(
        layer,
        workload=workload,
        weight=layer.weight[:vector],
        bias=layer.bias[:vector],
        multiplier=first(layer.multiplier),
        shift=first(layer.shift),
    )
    return dataclasses.replace(node, layer=layer, stacked=blocks)
