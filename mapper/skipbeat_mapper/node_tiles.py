"""A node's weights as packed tiles, and its parameters as the output stage reads them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skipbeat_arch.graph import Node
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.machine import PARAMETER_PITCH, PARAMETER_VECTORS, Machine
from skipbeat_arch.tensor_layout import Bytes
from skipbeat_arch.tile import Int8Array, TileStatistics, pack_tile

from .banks import Banks
from .gather import block_diagonal
from .tile_statistics import group_counts, tile_statistics


@dataclass(frozen=True, kw_only=True, eq=False)
class Tile:
    """One reduction tile that has weights.

    Attributes:
        number: in the order of `Banks.arrange`.
        statistics: as it is packed.
        at: its first word among those of the node.
    """

    number: int
    statistics: TileStatistics
    at: int

    @property
    def words(self) -> int:
        """Its words."""
        return self.statistics.word_count


@dataclass(frozen=True, kw_only=True, eq=False)
class NodeTiles:
    """All tiles of a node.

    Attributes:
        columns: for each block of V outputs, its tiles in the order of their passes (none if all its weights are 0).
        outputs: of each column tile, at most V.
        words: of all tiles.
    """

    columns: tuple[tuple[Tile, ...], ...]
    outputs: tuple[int, ...]
    words: int


def node_tiles(node: Node, banks: Banks, machine: Machine) -> NodeTiles:
    """A node's tiles; b is measured for every one. Nothing is packed yet."""
    hw = machine.hw
    counts = group_counts(tap_weights(node), hw.array.group)
    found = tile_statistics(banks.arrange_counts(counts), hw)
    total, vector = counts.shape[2], machine.vector
    columns: list[tuple[Tile, ...]] = []
    at = 0
    for tiles in found:
        column = []
        for number, statistics in _in_order(tiles, banks.planes, hw):
            column.append(Tile(number=number, statistics=statistics, at=at))
            at += statistics.word_count
        columns.append(tuple(column))
    return NodeTiles(
        columns=tuple(columns), outputs=tuple(min(vector, total - start) for start in range(0, total, vector)), words=at
    )


def _in_order(tiles: list[tuple[int, TileStatistics]], planes: int, hw: Hardware) -> list[tuple[int, TileStatistics]]:
    """Plane by plane, so that the first tiles need few activations.

    Tiles with fewer steps than the output stage needs for an item go into the middle: the last pass of a block is as
    slow as that stage, and visits go through the tiles in both directions.
    """
    tiles = sorted(tiles, key=lambda each: (each[0] % planes, each[0]))
    slow = hw.array.cols // hw.outputs.lanes
    quick = [each for each in tiles if each[1].beat < slow]
    if not quick or len(quick) == len(tiles):
        return tiles
    others = [each for each in tiles if each[1].beat >= slow]
    middle = len(others) // 2
    return others[:middle] + quick + others[middle:]


def packed_words(node: Node, banks: Banks, tiles: NodeTiles, machine: Machine) -> Bytes:
    """The words in memory, tile after tile: uint8 [words · V]."""
    weights = tap_weights(node)
    parts: list[Bytes] = []
    for number, column in enumerate(tiles.columns):
        start = number * machine.vector
        arranged = banks.arrange(weights[:, :, start : start + machine.vector]) if column else None
        for tile in column:
            assert arranged is not None
            packed = pack_tile(arranged[tile.number, : tile.statistics.rows], machine.hw, tile.statistics.encoding)
            parts.append(packed.words.ravel())
    return np.concatenate(parts) if parts else np.zeros(0, np.uint8)


def tap_weights(node: Node) -> Int8Array:
    """The layer's weight int8 [taps, C_in, K] over all channel groups, taps row by row."""
    load = node.convolution
    full = block_diagonal(node.layer.weight, load)
    taps = node.taps
    if load.order == "kh,kw,cin":
        return full.reshape(taps, load.c_in, load.c_out)
    return full.reshape(load.c_in, taps, load.c_out).transpose(1, 0, 2)


def parameter_data(node: Node, machine: Machine) -> Bytes:
    """The parameters of every output block, `PARAMETER_PITCH` vectors each: uint8 [blocks · pitch · V]."""
    layer, vector = node.layer, machine.vector
    channels = layer.bias.size
    blocks = -(-channels // vector)

    def padded(values: npt.NDArray[np.integer] | None, fill: int, dtype: str) -> Bytes:
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
