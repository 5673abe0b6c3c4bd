"""A core program: the passes of one layer, the tiles that they load and where their results belong."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from skipbeat_arch.arrays import Int8Array
from skipbeat_arch.command import Command
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.tile import PackedTile, pack_tile
from skipbeat_arch.timing import CoreTiming
from skipbeat_arch.workload import Gemm
from skipbeat_sim.timing.core_timing import core_timing

from .cost import limit_cycles, utilisation
from .grouping import Lines
from .schedule import Pass
from .tiling import ColumnTile


@dataclass(frozen=True, kw_only=True)
class WeightBits:
    """Bits of packed weights: values, metadata, and the padding of both to whole words."""

    values: int
    metadata: int
    padding: int

    @property
    def total(self) -> int:
        """All bits of the words."""
        return self.values + self.metadata + self.padding


@dataclass(frozen=True, kw_only=True, eq=False)
class CoreProgram:
    """One layer as the core executes it.

    Attributes:
        hardware: the machine it was compiled for.
        gemm: the GEMM that it computes: the whole layer, all channel groups.
        weight: int8 [C, K], zero outside the blocks of a grouped convolution.
        columns: the column tiles; between them their outputs are 0..K-1, each once.
        passes: in program order.
        shapes: shapes of the tiles in the order of their loads (`PackedTile` with placeholder words: all that
            timing and traffic need). `tiles` has the words.
        cycles: cycles of the whole program by the timing model.
    """

    hardware: Hardware
    gemm: Gemm
    weight: Int8Array
    columns: tuple[ColumnTile, ...]
    passes: tuple[Pass, ...]
    shapes: tuple[PackedTile, ...]
    cycles: int

    @property
    def commands(self) -> tuple[Command, ...]:
        """The passes' commands in program order."""
        return tuple(p.command for p in self.passes)

    @property
    def result_items(self) -> int:
        """Items that leave the result port."""
        return sum(p.command.pixels for p in self.passes if p.command.last)

    @property
    def bundle_items(self) -> int:
        """Items that enter the activation port: one per pixel of every pass but the null passes."""
        return sum(p.command.pixels for p in self.passes if p.tile is not None)

    @cached_property
    def macs(self) -> int:
        """Products with a weight that is not zero: P × nonzeros."""
        return self.gemm.p * int(np.count_nonzero(self.weight))

    @cached_property
    def steps(self) -> int:
        """Clocks in which the array computes (null passes take one per pixel as well)."""
        return sum(p.command.pixels * max(p.command.beat, 1) for p in self.passes)

    @property
    def cycles_limit(self) -> int:
        """Clocks that the multipliers alone need for the nonzero weights."""
        return limit_cycles(self.macs, self.hardware)

    @property
    def utilisation(self) -> float:
        """Share of the PE-clocks that multiplied by a nonzero weight."""
        return utilisation(self.macs, self.cycles, self.hardware)

    @cached_property
    def timing(self) -> CoreTiming:
        """Cycles by cause and event counts, by the timing model."""
        return core_timing(self.commands, self.shapes, self.hardware)

    @property
    def weight_bits(self) -> WeightBits:
        """Bits of the tiles as they lie in memory, each once."""
        return _weight_bits([tile.shape for column in self.columns for tile in column.tiles], self.hardware)

    @property
    def streamed_bits(self) -> WeightBits:
        """Bits that enter the weight port: a tile counts once for each of its loads."""
        return _weight_bits(self.shapes, self.hardware)

    @cached_property
    def tiles(self) -> tuple[PackedTile, ...]:
        """The packed tiles in the order of their loads; a tile that is loaded again is the same object."""
        packed: dict[tuple[int, int], PackedTile] = {}
        stream = []
        for p in self.passes:
            if p.tile is None or not p.command.load:
                continue
            key = (p.column, p.tile)
            if key not in packed:
                shape = self.columns[p.column].tiles[p.tile].shape
                packed[key] = pack_tile(self.tile_weights(*key), self.hardware, shape.encoding)
            stream.append(packed[key])
        return tuple(stream)

    def tile_weights(self, column: int, tile: int) -> Int8Array:
        """Weights int8 [rows, M, cols] of one tile; 0 at its empty positions."""
        source = self.columns[column].tiles[tile]
        lines: Lines = source.lines[: source.shape.rows]
        weights: Int8Array = self.weight[lines[:, :, None], self.columns[column].outputs]
        weights[lines < 0] = 0
        return weights

    def bundles(self, x: Int8Array, p: Pass) -> npt.NDArray[np.int8]:
        """Bundles int8 [pixels, R, M] that a pass reads, x being int8 [P, C]; none for the null pass."""
        array = self.hardware.array
        if p.tile is None:
            return np.zeros((0, array.rows, array.group), np.int8)
        lines = self.columns[p.column].tiles[p.tile].lines
        bundles = np.take(x[p.start : p.stop], lines.ravel(), axis=1).reshape(-1, *lines.shape)
        bundles[:, lines < 0] = 0
        return bundles


def _weight_bits(tiles: tuple[PackedTile, ...] | list[PackedTile], hw: Hardware) -> WeightBits:
    values, metadata = sum(t.value_bits for t in tiles), sum(t.metadata_bits for t in tiles)
    words = sum(len(t.words) for t in tiles)
    return WeightBits(values=values, metadata=metadata, padding=words * hw.word_bits - values - metadata)
