"""The events of a run, counted from its commands and tiles alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.command import Command, Encoding
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.tile import TileStatistics
from skipbeat_arch.timing import Events


def event_counts(commands: Sequence[Command], tiles: Sequence[TileStatistics], hw: Hardware) -> Events:
    """Count the events of `commands`, whose loads take `tiles` in order; they do not depend on the clocks.

    A null pass has one step per pixel, without bundles or products.
    """
    if not commands:
        return Events()
    cols = hw.array.cols
    pixels, beat, rows, load, first, last = _columns(commands)
    nonzeros = np.array([0, *(tile.nonzeros for tile in tiles)], np.int64)[np.cumsum(load)]
    steps = int((pixels * np.maximum(beat, 1)).sum())
    macs = int((pixels * nonzeros)[beat > 0].sum())
    tile_rows = _array([tile.rows for tile in tiles])
    tile_beat = _array([tile.beat for tile in tiles])
    encoded = _array([tile.encoding != Encoding.DENSE for tile in tiles])
    value_words = -(-_array([tile.value_bits for tile in tiles]) // hw.word_bits)
    words = sum(tile.word_count for tile in tiles)
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


def _columns(commands: Sequence[Command]) -> tuple[Int64Array, ...]:
    fields = [(c.pixels, c.beat, c.rows, c.load, c.first, c.last) for c in commands]
    return tuple(np.array(fields, np.int64).T)
