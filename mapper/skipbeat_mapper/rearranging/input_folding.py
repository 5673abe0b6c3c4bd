"""Folds the input: an image has few channels, and a vector has room for several of its pixels.

Every vector goes to V / M neighbouring banks. The channels of an image need one or two of them; the others take pixels
further right, so that a row of the array has work for them and a reduction tile covers as many taps more. The host
lays the image out so (`skipbeat_arch.fold`); nothing more crosses the bus, as what is filled was padding.

Taps may overlap, so that the rows of the array can be loaded evenly (`lane_choice`), where that takes fewer clocks.
Where windows do not meet (the patches of a vision transformer), a position takes a whole line of its window.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from skipbeat_arch.arrays import Int8Array
from skipbeat_arch.errors import InputError
from skipbeat_arch.fold import Fold
from skipbeat_arch.graph import Graph, Node, Tensor
from skipbeat_arch.machine import Machine

from ..placing.banks import Banks
from ..placing.lane_choice import Lanes, overlapping, side_by_side
from ..placing.regions import regions
from ..tiles.node_tiles import NodeTiles, node_tiles, tap_weights


def fold_input(graph: Graph, machine: Machine) -> tuple[Graph, Fold | None]:
    """The graph on a folded input, or the same graph if that would gain nothing."""
    readers = [node for node in graph.nodes if graph.input in (node.input, node.residual)]
    joined = any(name == graph.input for tensor in graph.tensors for name, _ in tensor.parts)
    if joined or len(readers) != 1 or readers[0].input != graph.input or readers[0].residual == graph.input:
        return graph, None
    conv = readers[0].convolution
    depth = -(-conv.c_in // machine.hw.array.group) * machine.hw.array.group
    copies = min(machine.vector // depth, conv.kernel[1])
    if copies < 2 or conv.groups > 1:
        return graph, None
    plain = fold_to(graph, side_by_side((*conv.kernel, conv.c_in), copies, depth))
    if conv.stride[1] >= conv.kernel[1] * conv.dilation[1]:
        return _patches(graph, plain, machine)
    return _overlapping(graph, readers[0], plain, machine) or plain


def fold_to(graph: Graph, lanes: Lanes) -> tuple[Graph, Fold]:
    """The graph on an input that is folded for such lanes of its only reader."""
    reader = _reader(graph)
    conv, taps = reader.convolution, lanes.taps
    distance = lanes.spacing * conv.dilation[1]
    stride = math.gcd(conv.stride[1], distance)
    reach = (conv.out_size[1] - 1) * conv.stride[1] + (taps - 1) * distance
    fold = Fold(
        shape=graph.tensor(graph.input).shape,
        copies=lanes.copies,
        depth=lanes.depth,
        distance=conv.dilation[1],
        stride=stride,
        padding=conv.padding[1] - lanes.first * conv.dilation[1],
        width=reach // stride + 1,
    )
    channels, height, width = fold.folded_shape
    load = dataclasses.replace(
        conv,
        c_in=channels,
        width=width,
        kernel=(conv.kernel[0], taps),
        stride=(conv.stride[0], conv.stride[1] // stride),
        padding=(conv.padding[0], 0),
        dilation=(conv.dilation[0], distance // stride),
        order="kh,kw,cin",
    )
    layer = dataclasses.replace(reader.layer, workload=load, weight=_folded_weight(reader, lanes))
    node = dataclasses.replace(reader, layer=layer, alike=False)
    folded = Tensor(name=graph.input, channels=channels, height=height, width=width)
    return dataclasses.replace(
        graph,
        tensors=tuple(folded if t.name == graph.input else t for t in graph.tensors),
        nodes=tuple(node if each is reader else each for each in graph.nodes),
    ), fold


def _folded_weight(node: Node, lanes: Lanes) -> Int8Array:
    """Weights int8 [kernel rows · taps · folded channels, K]."""
    (rows, columns), channels, outputs = node.convolution.kernel, node.convolution.c_in, node.convolution.c_out
    full = np.zeros((rows, lanes.taps, lanes.copies, lanes.depth, outputs), np.int8)
    row, _, channel = np.indices((rows, columns, channels))
    full[row, lanes.chosen, lanes.copy, channel] = tap_weights(node).reshape(rows, columns, channels, outputs)
    return full.reshape(-1, outputs)


def _patches(graph: Graph, plain: tuple[Graph, Fold], machine: Machine) -> tuple[Graph, Fold]:
    """Where windows do not meet, all pixels of a window's line in one position, unless that takes more clocks.

    No pixel lies in two positions, so nothing more is loaded; and a window takes few entries of the banks, so that
    regions are large and weights are seldom loaded again.
    """
    conv = _reader(graph).convolution
    depths = {conv.c_in, 1 << (conv.c_in - 1).bit_length()}
    lanes = (side_by_side((*conv.kernel, conv.c_in), conv.kernel[1], depth) for depth in depths)
    return min(
        (*(fold_to(graph, each) for each in lanes), plain),
        key=lambda found: _clocks(found[0], _tiles(found[0], machine), machine),
    )


def _overlapping(graph: Graph, reader: Node, plain: tuple[Graph, Fold], machine: Machine) -> tuple[Graph, Fold] | None:
    """With taps that overlap, if that takes fewer clocks; positions are no closer than in the plain one."""
    conv = reader.convolution
    spacings = [
        spacing
        for spacing in range(1, machine.vector // conv.c_in + 1)
        if math.gcd(conv.stride[1], spacing * conv.dilation[1]) >= plain[1].stride
    ]
    tiles = _tiles(plain[0], machine)
    present = (tap_weights(reader) != 0).any(axis=2).reshape(*conv.kernel, conv.c_in)
    lanes = overlapping(present, machine, spacings, below=_steps(tiles) // len(tiles.columns))
    if lanes is None:
        return None
    found = fold_to(graph, lanes)
    try:
        quicker = _clocks(found[0], _tiles(found[0], machine), machine) < _clocks(plain[0], tiles, machine)
    except InputError:  # a pixel's window is wider where taps overlap, and does not fit
        return None
    return found if quicker else None


def _reader(graph: Graph) -> Node:
    """The node that reads the input."""
    return next(node for node in graph.nodes if node.input == graph.input)


def _tiles(graph: Graph, machine: Machine) -> NodeTiles:
    """The tiles of the input's reader."""
    node = _reader(graph)
    return node_tiles(node, Banks.of(node.convolution.c_in, machine), machine)


def _steps(tiles: NodeTiles) -> int:
    """Steps for a pixel in all column tiles."""
    return sum(tiles.steps)


def _clocks(graph: Graph, tiles: NodeTiles, machine: Machine) -> int:
    """Clocks of the input's reader: of the array for one image, and of the bus for all but weights."""
    node = _reader(graph)
    planes = Banks.of(node.convolution.c_in, machine).planes
    vectors = planes * sum(region.lines * region.real for region in regions(node, machine, planes))
    entries = 0 if tiles.plain else len(tiles.cells)
    height, width = node.convolution.out_size
    return _steps(tiles) * height * width + (vectors + entries * machine.table_vectors) * machine.vector_beats
