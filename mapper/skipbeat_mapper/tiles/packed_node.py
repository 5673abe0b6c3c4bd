"""A node's weights as they are packed in memory, and its parameters as the output stage reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from skipbeat_arch.arrays import Bytes, Int8Array, IntArray
from skipbeat_arch.graph import Node
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.machine import PARAMETER_PITCH, PARAMETER_VECTORS, Machine
from skipbeat_arch.tile_words import TileWords

from ..placing.banks import Banks
from .column_tiles import Tile
from .node_tiles import NodeTiles, tap_weights
from .row_order import NONE, Cells

#: Groups of weights that are packed at a time: what they take meanwhile fits the caches of a processor.
_AT_ONCE = 1 << 16


def packed_words(node: Node, banks: Banks, tiles: NodeTiles, machine: Machine) -> Bytes:
    """The words in memory, tile after tile: uint8 [words · V]."""
    weights, group = tap_weights(node), machine.hw.array.group
    words = np.zeros((tiles.words, machine.vector), np.uint8)
    for number, column in enumerate(tiles.columns):
        if not column:
            continue
        outputs = weights[:, :, number * machine.vector : (number + 1) * machine.vector]
        arranged = banks.arrange(outputs).reshape(-1, group, outputs.shape[2])
        for own in _alike(column, outputs.shape[2]):
            packed = _packed(own, arranged, tiles.cells, machine.hw)
            for tile, first, stop in zip(own, packed.begins.tolist(), packed.begins[1:].tolist(), strict=False):
                at = tiles.at[number] + tile.at
                words[at : at + tile.words] = packed.words[first:stop]
    return words.ravel()


def _alike(column: Sequence[Tile], outputs: int) -> Iterator[list[Tile]]:
    """The tiles of a column tile that can be packed together, not too many of them at once."""
    alike: dict[tuple[int, int, int], list[Tile]] = {}
    for tile in column:
        each = tile.statistics
        alike.setdefault((each.rows, each.beat, each.encoding), []).append(tile)
    for (rows, *_), own in alike.items():
        step = max(1, _AT_ONCE // (rows * outputs))
        yield from (own[first : first + step] for first in range(0, len(own), step))


def _packed(tiles: Sequence[Tile], arranged: Int8Array, cells: Cells, hw: Hardware) -> TileWords:
    """Tiles that are alike, from the weights of all cells of their column tile, int8 [cells, M, cols]."""
    each = tiles[0].statistics
    rows = cells[[tile.number for tile in tiles], : each.rows]
    values = arranged[rows]
    values[rows == NONE] = 0
    return TileWords.of(values, each.beat, each.encoding, hw)


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
