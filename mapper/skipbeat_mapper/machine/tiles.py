"""A step's weights as packed tiles, and its parameters as the output stage reads them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skipbeat_arch.command import Encoding, metadata_bits
from skipbeat_arch.graph import Step
from skipbeat_arch.machine import PARAMETER_PITCH, PARAMETER_VECTORS, Machine
from skipbeat_arch.tensor_layout import Bytes
from skipbeat_arch.tile import Int8Array, PackedTile, legal_encodings, pack_tile, tile_beat

from ..gather import block_diagonal
from .banks import Banks


@dataclass(frozen=True, kw_only=True, eq=False)
class Tile:
    """One reduction tile that has weights.

    Attributes:
        number: in the order of `Banks.arrange`.
        at: its first word among those of the step.
    """

    number: int
    packed: PackedTile
    at: int

    @property
    def words(self) -> int:
        """Its words."""
        return len(self.packed.words)


@dataclass(frozen=True, kw_only=True, eq=False)
class StepTiles:
    """All tiles of a step.

    Attributes:
        columns: for each block of V outputs, its tiles (none if all its weights are 0).
        outputs: of each column tile, at most V.
    """

    columns: tuple[tuple[Tile, ...], ...]
    outputs: tuple[int, ...]

    @property
    def words(self) -> int:
        """Words of all tiles."""
        return sum(tile.words for column in self.columns for tile in column)

    def data(self, vector: int) -> Bytes:
        """The words in memory, tile after tile: uint8 [words · V]."""
        parts = [tile.packed.words.ravel() for column in self.columns for tile in column]
        return np.concatenate(parts) if parts else np.zeros(0, np.uint8)


def step_tiles(step: Step, banks: Banks, machine: Machine) -> StepTiles:
    """Packs a step's weights; b is measured for every tile."""
    arranged = banks.arrange(tap_weights(step))
    vector, total = machine.vector, arranged.shape[3]
    columns: list[tuple[Tile, ...]] = []
    at = 0
    for start in range(0, total, vector):
        tiles = []
        part = arranged[:, :, :, start : start + vector]
        live = np.count_nonzero(part, axis=(2, 3))
        for number in np.flatnonzero(live.sum(axis=1)):
            rows = int(np.flatnonzero(live[number])[-1]) + 1
            tile = part[number, :rows]
            packed = pack_tile(tile, machine.hw, smallest_encoding(tile, machine))
            tiles.append(Tile(number=int(number), packed=packed, at=at))
            at += len(packed.words)
        columns.append(tuple(tiles))
    return StepTiles(
        columns=tuple(columns), outputs=tuple(min(vector, total - start) for start in range(0, total, vector))
    )


def smallest_encoding(tile: Int8Array, machine: Machine) -> Encoding:
    """The encoding of a tile [rows, M, cols] with the fewest words, without packing it in all of them."""
    hw, (rows, group, cols) = machine.hw, tile.shape
    beat = tile_beat(tile)

    def words(encoding: Encoding) -> int:
        values = int(np.count_nonzero(tile)) if encoding == Encoding.BITMAP else rows * cols * beat
        meta = rows * hw.array.cols * metadata_bits(encoding, beat, group)
        total: int = -(-meta // hw.word_bits) - (-values // hw.array.cols)
        return total

    return min(legal_encodings(beat, hw), key=words)


def tap_weights(step: Step) -> Int8Array:
    """The layer's weight int8 [taps, C_in, K] over all channel groups, taps row by row."""
    load = step.convolution
    full = block_diagonal(step.layer.weight, load)
    taps = step.taps
    if load.order == "kh,kw,cin":
        return full.reshape(taps, load.c_in, load.c_out)
    return full.reshape(load.c_in, taps, load.c_out).transpose(1, 0, 2)


def parameter_data(step: Step, machine: Machine) -> Bytes:
    """The parameters of every output block, `PARAMETER_PITCH` vectors each: uint8 [blocks · pitch · V]."""
    layer, vector = step.layer, machine.vector
    channels = layer.bias.size
    blocks = -(-channels // vector)

    def padded(values: npt.NDArray[np.integer] | None, fill: int, dtype: str) -> Bytes:
        full = np.full(blocks * vector, fill, dtype)
        if values is not None:
            full[:channels] = values
        return full.reshape(blocks, vector).view(np.uint8)

    parts = [
        padded(layer.bias, 0, "<i4"), padded(layer.multiplier, 1, "<i4"), padded(step.residual_multiplier, 0, "<i4"),
        padded(layer.shift, 1, "|u1"),
    ]  # fmt: skip
    data = np.zeros((blocks, PARAMETER_PITCH * vector), np.uint8)
    data[:, : PARAMETER_VECTORS * vector] = np.concatenate(parts, axis=1)
    return data.ravel()
