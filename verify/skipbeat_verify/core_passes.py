"""Passes for a core, made by hand or at random, with the sums that plain integer arithmetic gives: no compiler."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from skipbeat_arch.arrays import BoolArray, Int8Array, Int64Array
from skipbeat_arch.command import Command, Encoding
from skipbeat_arch.hardware import Accumulators, Activations, Array, Hardware, Memory, Numbers, Weights
from skipbeat_arch.stream import PORTS, CoreStimulus
from skipbeat_arch.tile import PackedTile, legal_encodings, pack_tile, tile_beat

from .core_streams import CoreStreams


def small_hardware(
    rows: int, cols: int, group: int, lanes: int = 1, depth: int = 64, numbers: Numbers | None = None
) -> Hardware:
    """A core of this size."""
    return Hardware(
        name=f"test-{rows}x{cols}-m{group}",
        clock_mhz=100.0,
        array=Array(rows=rows, cols=cols, group=group),
        weights=Weights(decode_lanes=lanes, buffer_kib=4),
        activations=Activations(buffer_kib=4),
        accumulators=Accumulators(depth=depth),
        memory=Memory(bytes_per_clock=16, latency_clocks=4),
        numbers=numbers or Numbers(),
    )


def random_tile(rng: np.random.Generator, hw: Hardware, rows: int, cols: int, most: int) -> Int8Array:
    """Weights int8 [rows, M, cols] with at most `most` nonzeros in each group, and at least one in all."""
    bits = hw.numbers.weight_bits
    weights = rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), (rows, hw.array.group, cols))
    order = rng.random(weights.shape).argsort(axis=1).argsort(axis=1)
    weights[order >= rng.integers(0, most + 1, (rows, 1, cols))] = 0
    if not weights.any():
        weights[0, 0, 0] = 1
    return weights.astype(np.int8)


def random_willing(rng: np.random.Generator) -> dict[str, BoolArray]:
    """For each port always, mostly, or seldom willing; at least once in a period."""
    willing = {}
    for port in PORTS:
        share = rng.choice([1.0, 0.8, 0.3])
        pattern = rng.random(int(rng.integers(1, 40))) < share
        pattern[0] = True
        willing[port] = pattern
    return willing


@dataclass
class CorePasses:
    """Commands and the streams that go with them, and the sums that must come out."""

    hw: Hardware
    commands: list[Command] = field(default_factory=list)
    tiles: list[PackedTile] = field(default_factory=list)
    bundles: list[Int8Array] = field(default_factory=list)
    expected: list[Int64Array] = field(default_factory=list)
    macs: int = 0

    def __post_init__(self) -> None:
        self._resident: Int8Array | None = None
        self._sums = np.zeros((0, 0), np.int64)

    def load(
        self, weights: Int8Array, x: Int8Array, *, first: bool, last: bool, encoding: Encoding | None = None
    ) -> None:
        """A pass with a new tile; x is int8 [pixels, R, M]."""
        tile = pack_tile(weights, self.hw, encoding)
        self.tiles.append(tile)
        self._resident = weights
        self.commands.append(tile.command(len(x), first=first, last=last))
        self._multiply(x, first, last)

    def again(self, x: Int8Array, *, first: bool, last: bool) -> None:
        """A pass with the resident tile."""
        tile = self.tiles[-1]
        command = Command(
            pixels=len(x), beat=tile.beat, rows=tile.rows, cols=tile.cols, load=False, first=first, last=last
        )
        self.commands.append(command)
        self._multiply(x, first, last)

    def null(self, pixels: int, *, first: bool, last: bool) -> None:
        """A null pass."""
        command = Command(pixels=pixels, beat=0, rows=0, cols=0, load=False, first=first, last=last)
        self.commands.append(command)
        self._accumulate(np.zeros((pixels, self.hw.array.cols), np.int64), first, last)

    def _multiply(self, x: Int8Array, first: bool, last: bool) -> None:
        weights = self._resident
        assert weights is not None
        rows, _, cols = weights.shape
        self.bundles.append(x)
        self.macs += len(x) * int(np.count_nonzero(weights))
        sums = np.zeros((len(x), self.hw.array.cols), np.int64)
        sums[:, :cols] = np.einsum("prm,rmc->pc", x[:, :rows].astype(np.int64), weights.astype(np.int64))
        self._accumulate(sums, first, last)

    def _accumulate(self, sums: Int64Array, first: bool, last: bool) -> None:
        self._sums = sums if first else self._sums + sums
        if last:
            self.expected.append(self._sums)

    @property
    def results(self) -> Int64Array:
        """What the core must return, int64 [items, C]."""
        return np.concatenate([np.zeros((0, self.hw.array.cols), np.int64), *self.expected])

    def streams(self) -> CoreStreams:
        """The passes as the ports see them."""
        hw = self.hw
        words = [tile.words for tile in self.tiles]
        bundles = np.zeros((0, hw.array.rows, hw.array.group), np.int8)
        return CoreStreams(
            hardware=hw,
            commands=tuple(self.commands),
            words=np.concatenate([np.zeros((0, -(-hw.word_bits // 8)), np.uint8), *words]),
            last=np.concatenate([np.zeros(0, np.bool_), *(np.arange(len(w)) == len(w) - 1 for w in words)]),
            bundles=np.concatenate([bundles, *self.bundles]),
            sums=self.results,
            tiles=tuple(self.tiles),
        )

    def stimulus(self, willing: dict[str, BoolArray] | None = None, max_clocks: int | None = None) -> CoreStimulus:
        """The passes as a run of the core, which gives up after `max_clocks`."""
        offered = self.streams().stimulus(willing)
        return offered if max_clocks is None else replace(offered, max_clocks=max_clocks)


def random_bundles(rng: np.random.Generator, hw: Hardware, pixels: int) -> Int8Array:
    """Activations int8 [pixels, R, M]; rows that no tile uses are not zero either."""
    half = 1 << (hw.numbers.activation_bits - 1)
    return rng.integers(-half, half, (pixels, hw.array.rows, hw.array.group)).astype(np.int8)


def random_passes(rng: np.random.Generator, hw: Hardware, blocks: int, pixels: int) -> CorePasses:
    """Blocks of 1..pixels pixels, each a few passes of every kind with tiles of every size and encoding."""
    program = CorePasses(hw)
    for _ in range(blocks):
        block = int(rng.integers(1, pixels + 1))
        passes = int(rng.integers(1, 5))
        for number in range(passes):
            ends = {"first": number == 0, "last": number == passes - 1}
            kind = rng.choice(["load", "load", "again", "null"])
            if kind == "null":
                program.null(block, **ends)
            elif kind == "again" and program.tiles:
                program.again(random_bundles(rng, hw, block), **ends)
            else:
                rows, cols = int(rng.integers(1, hw.array.rows + 1)), int(rng.integers(1, hw.array.cols + 1))
                weights = random_tile(rng, hw, rows, cols, int(rng.integers(1, hw.array.group + 1)))
                encoding = Encoding(rng.choice([int(e) for e in legal_encodings(tile_beat(weights), hw)]))
                program.load(weights, random_bundles(rng, hw, block), encoding=encoding, **ends)
    return program


def gemm_program(hw: Hardware, x: Int8Array, w: Int8Array, encoding: Encoding | None = None) -> CorePasses:
    """Y = X·W, X [P, C] and W [C, K]: blocks of pixels, then column tiles, then row tiles.

    The results come block by block and column tile by column tile (see `gemm_result`).
    """
    rows, cols, group = hw.array.rows, hw.array.cols, hw.array.group
    reduction, outputs = -(-w.shape[0] // (rows * group)), -(-w.shape[1] // cols)
    wide = np.zeros((reduction * rows * group, outputs * cols), np.int8)
    wide[: w.shape[0], : w.shape[1]] = w
    deep = np.zeros((len(x), reduction * rows * group), np.int8)
    deep[:, : x.shape[1]] = x
    program = CorePasses(hw)
    for start in range(0, len(x), hw.accumulators.depth):
        block = deep[start : start + hw.accumulators.depth].reshape(-1, reduction, rows, group)
        for column in range(0, outputs * cols, cols):
            for part in range(reduction):
                ends = {"first": part == 0, "last": part == reduction - 1}
                tile = wide[:, column : column + cols].reshape(reduction, rows, group, cols)[part]
                if not tile.any():
                    program.null(len(block), **ends)
                    continue
                legal = encoding in legal_encodings(tile_beat(tile), hw)
                program.load(tile, block[:, part], encoding=encoding if legal else None, **ends)
    return program


def gemm_result(results: Int64Array, hw: Hardware, pixels: int, outputs: int) -> Int64Array:
    """Y [P, K] out of the items of `gemm_program`."""
    tiles = -(-outputs // hw.array.cols)
    y = np.zeros((pixels, tiles * hw.array.cols), np.int64)
    at = 0
    for start in range(0, pixels, hw.accumulators.depth):
        count = min(hw.accumulators.depth, pixels - start)
        for tile in range(tiles):
            y[start : start + count, tile * hw.array.cols : (tile + 1) * hw.array.cols] = results[at : at + count]
            at += count
    return y[:, :outputs]
