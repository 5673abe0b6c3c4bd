"""A node's weights as they are packed in memory, and its parameters as the output stage reads them."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.arrays import Bytes, IntArray
from skipbeat_arch.graph import Node
from skipbeat_arch.machine import PARAMETER_PITCH, PARAMETER_VECTORS, Machine
from skipbeat_arch.tile import pack_tile

from ..placing.banks import Banks
from .node_tiles import NodeTiles, tap_weights
from .row_order import NONE


def packed_words(node: Node, banks: Banks, tiles: NodeTiles, machine: Machine) -> Bytes:
    """The words in memory, tile after tile: uint8 [words · V]."""
    weights, group = tap_weights(node), machine.hw.array.group
    parts: list[Bytes] = []
    for number, column in enumerate(tiles.columns):
        if not column:
            continue
        outputs = weights[:, :, number * machine.vector : (number + 1) * machine.vector]
        arranged = banks.arrange(outputs).reshape(-1, group, outputs.shape[2])
        for tile in column:
            rows = tiles.cells[tile.number, : tile.statistics.rows]
            values = np.where((rows != NONE)[:, None, None], arranged[rows], np.int8(0))
            packed = pack_tile(values, machine.hw, tile.statistics.encoding)
            parts.append(packed.words.ravel())
    return np.concatenate(parts) if parts else np.zeros(0, np.uint8)


def parameter_data(node: Node, machine: Machine) -> Bytes:
    """The parameters of every output block, `PARAMETER_PITCH` vectors each: uint8 [blocks · pitch · V]."""
    layer, vector = node.layer, machine.vector
    channels = layer.bias.size
    blocks = -(-channels // vector)

    def padded(values: IntArray | None, fill: int, dtype: str) -> Bytes:
        full = np.full(blocks * vector, fill, dtype)
        if values is not None:
            full[:channels] = values
        return full.reshape(blocks, vector).view(np.uint8)

    parts = [
        padded(layer.bias, 0, "<i4"),
        padded(layer.multiplier, 1, "<i4"),
        padded(node.residual_multiplier, 0, "<i4"),
        padded(layer.shift, 1, "|u1"),
    ]
    data = np.zeros((blocks, PARAMETER_PITCH * vector), np.uint8)
    data[:, : PARAMETER_VECTORS * vector] = np.concatenate(parts, axis=1)
    return data.ravel()
