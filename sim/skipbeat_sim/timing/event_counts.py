"""The events of a run, counted from its commands and tiles alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.command import Command, Encoding
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.tile import TileStatistics
from skipbeat_arch.timing import Events

Thing = TypeVar("Thing")


def event_counts(commands: Sequence[Command], tiles: Sequence[TileStatistics], hw: Hardware) -> Events:
    """Count the events of `commands`, whose loads take `tiles` in order; they do not depend on the clocks.

    A null pass has one step per pixel, without bundles or products.
    """
    if not commands:
        return Events()
    cols = hw.array.cols
    distinct, times = _distinct(commands)
    pixels, beat, rows, first, last = _columns(distinct, times)
    steps = int((pixels * np.maximum(beat, 1)).sum())
    macs = _macs(commands, tiles)
    tiles, times = _distinct(tiles)
    tile_rows = _array([tile.rows for tile in tiles]) * times
    tile_beat = _array([tile.beat for tile in tiles])
    encoded = _array([tile.encoding != Encoding.DENSE for tile in tiles])
    value_words = -(-_array([tile.value_bits for tile in tiles]) // hw.word_bits) * times
    words = int((_array([tile.word_count for tile in tiles]) * times).sum())
    return Events(
        macs=macs,
        slots_idle=steps * hw.pes - macs,
        bundle_reads=int((pixels * rows)[beat > 0].sum()),
        weight_slot_reads=steps * hw.pes,
        weight_slot_writes=int((tile_rows * tile_beat).sum()) * cols,
        psum_hops=steps * hw.pes,
        accumulator_reads=int(pixels[first == 0].sum()) * cols,
        accumulator_writes=int(pixels[last == 0].sum()) * cols,
        results=int(pixels[last == 1].sum()) * cols,
        groups_decoded=int((tile_rows * encoded).sum()) * cols,
        value_bits=int(value_words.sum()) * hw.word_bits,
        metadata_bits=(words - int(value_words.sum())) * hw.word_bits,
    )


def _array(values: list[int] | list[bool]) -> Int64Array:
    return np.array(values, np.int64)


def _distinct(every: Sequence[Thing]) -> tuple[list[Thing], Int64Array]:
    """Each object once, and how often it occurs, int64 [objects]: few commands and tiles are different ones."""
    times = Counter(map(id, every))
    known = {id(each): each for each in every}
    return [known[each] for each in times], _array(list(times.values()))


def _macs(commands: Sequence[Command], tiles: Sequence[TileStatistics]) -> int:
    """Of each pass its pixels times the nonzeros of the tile that is in the array."""
    following, nonzeros, macs = iter(tiles), 0, 0
    for command in commands:
        if command.load:
            nonzeros = next(following).nonzeros
        if command.beat:
            macs += command.pixels * nonzeros
    return macs


def _columns(commands: Sequence[Command], times: Int64Array) -> tuple[Int64Array, ...]:
    """Fields of commands; the pixels of each count as often as it occurs."""
    fields = np.array([(c.pixels, c.beat, c.rows, c.first, c.last) for c in commands], np.int64)
    pixels, *others = fields.T
    return (pixels * times, *others)
