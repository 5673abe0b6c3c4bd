"""Random programs that try what the timing model has to get right: uneven tiles, short passes, long chains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.command import Command
from skipbeat_arch.hardware import Hardware, Numbers
from skipbeat_arch.numbers import integer_range
from skipbeat_arch.stream import CoreStimulus
from skipbeat_arch.tile import PackedTile, legal_encodings, pack_tile, tile_beat
from skipbeat_verify.core_passes import random_bundles, small_hardware

Program = tuple[list[Command], list[PackedTile]]


def random_hardware(rng: np.random.Generator) -> Hardware:
    """R and C in 1..16, every M, any number of lanes, mostly 8-bit weights."""
    cols = int(rng.integers(1, 17))
    lanes = int(rng.choice([n for n in range(1, cols + 1) if cols % n == 0]))
    numbers = Numbers(weight_bits=int(rng.choice([8, 8, 8, 7, 6, 5, 4, 3, 2])))
    return small_hardware(int(rng.integers(1, 17)), cols, int(rng.choice([1, 4, 4, 8, 16, 32])), lanes, numbers=numbers)


def tile_of_counts(counts: Int64Array, hw: Hardware, rng: np.random.Generator) -> PackedTile:
    """A tile with `counts` [rows, cols] nonzeros in its groups, in any encoding that can hold it."""
    rows, cols = counts.shape
    order = rng.random((rows, hw.array.group, cols)).argsort(axis=1).argsort(axis=1)
    values = rng.integers(1, integer_range(hw.numbers.weight_bits)[1] + 1, order.shape)
    weights = np.where(order < counts[:, None], values, 0).astype(np.int8)
    legal = legal_encodings(tile_beat(weights), hw)
    return pack_tile(weights, hw, legal[int(rng.integers(len(legal)))])


def random_tile_of(rng: np.random.Generator, hw: Hardware) -> PackedTile:
    """Small or whole, regular or very uneven, sometimes with empty rows in front or in between."""
    group = hw.array.group
    limits = (hw.array.rows, hw.array.cols) if rng.random() < 0.6 else (3, 3)
    rows, cols = (min(size, int(rng.integers(1, limit + 1))) for size, limit in zip(_shape(hw), limits, strict=True))
    if rng.random() < 0.3:
        rows, cols = _shape(hw)
    most = int(rng.integers(1, group + 1)) if rng.random() < 0.6 else int(rng.integers(1, 4))
    kind = rng.choice(["full", "any", "uneven"])
    if kind == "full":
        counts = np.full((rows, cols), most)
    elif kind == "any":
        counts = rng.integers(0, most + 1, (rows, cols))
    else:
        counts = rng.binomial(group, rng.random((rows, cols)) ** 3 * (rng.random((rows, 1)) < 0.6))
    if rng.random() < 0.2:
        counts[: int(rng.integers(0, rows))] = 0
    if not counts.any():
        counts[int(rng.integers(rows)), int(rng.integers(cols))] = 1
    return tile_of_counts(counts.astype(np.int64), hw, rng)


def _shape(hw: Hardware) -> tuple[int, int]:
    return hw.array.rows, hw.array.cols


def random_passes(rng: np.random.Generator, hw: Hardware) -> Program:
    """1..45 passes that load, reuse and skip tiles, of 1..40 pixels, with any chains of `first` and `last`."""
    count = int(rng.integers(1, 12)) if rng.random() < 0.7 else int(rng.integers(20, 46))
    pixels = int(rng.choice([1, 2, 3, 8, 40]))
    null, again = rng.choice([0, 0.2, 0.5]), rng.choice([0, 0.2, 0.6])
    first, last = rng.random(2)
    commands: list[Command] = []
    tiles: list[PackedTile] = []
    for n in range(count):
        chain = {"first": bool(rng.random() < first), "last": n == count - 1 or bool(rng.random() < last)}
        size = int(rng.integers(1, pixels + 1))
        if rng.random() < null:
            commands.append(null_pass(size, **chain))
        elif tiles and rng.random() < again:
            commands.append(reuse_pass(tiles[-1], size, **chain))
        else:
            tiles.append(random_tile_of(rng, hw))
            commands.append(tiles[-1].command(size, **chain))
    return commands, tiles


def null_pass(pixels: int, *, first: bool = True, last: bool = True) -> Command:
    """A pass that adds zeros."""
    return Command(pixels=pixels, beat=0, rows=0, cols=0, load=False, first=first, last=last)


def reuse_pass(tile: PackedTile, pixels: int, *, first: bool = True, last: bool = True) -> Command:
    """A pass with the resident tile."""
    return Command(pixels=pixels, beat=tile.beat, rows=tile.rows, cols=tile.cols, load=False, first=first, last=last)


def ideal_stimulus(
    commands: Sequence[Command], tiles: Sequence[PackedTile], hw: Hardware, rng: np.random.Generator
) -> CoreStimulus:
    """The program at ports that are always willing, with random activations."""
    words = [np.zeros((0, -(-hw.word_bits // 8)), np.uint8), *(tile.words for tile in tiles)]
    ends = [np.zeros(0, np.bool_), *(np.arange(len(tile.words)) == len(tile.words) - 1 for tile in tiles)]
    return CoreStimulus(
        commands=np.array([command.to_word() for command in commands], np.uint64),
        weights=np.concatenate(words),
        weights_last=np.concatenate(ends),
        activations=random_bundles(rng, hw, sum(command.pixels for command in commands if command.beat)),
        results=sum(command.pixels for command in commands if command.last),
        max_clocks=1_000_000,
    )
