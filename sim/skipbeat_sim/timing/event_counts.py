"""The events of a run, counted from its passes alone."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.command import Encoding
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.timing import Events

from .pass_columns import PassColumns


def event_counts(passes: PassColumns, hw: Hardware) -> Events:
    """Count the events of passes, each as often as it comes; they do not depend on the clocks.

    A null pass has one step per pixel, without bundles or products.
    """
    if not len(passes):
        return Events()
    cols, tiles = hw.array.cols, passes.tiles
    pixels, beat, rows, _, first, last = passes.fields
    pixels = pixels * passes.times
    steps = int((pixels * np.maximum(beat, 1)).sum())
    nonzeros = np.concatenate([passes.of_tiles([tile.nonzeros for tile in tiles]), [0]])  # the last: no tile yet
    macs = int((pixels * nonzeros[passes.resident])[beat > 0].sum())
    tile_rows = passes.of_tiles([tile.rows for tile in tiles]) * passes.tile_times
    tile_beat = passes.of_tiles([tile.beat for tile in tiles])
    encoded = passes.of_tiles([tile.encoding != Encoding.DENSE for tile in tiles])
    value_words = passes.sum_of_tiles([-(-tile.value_bits // hw.word_bits) for tile in tiles])
    words = passes.sum_of_tiles([tile.word_count for tile in tiles])
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
        value_bits=value_words * hw.word_bits,
        metadata_bits=(words - value_words) * hw.word_bits,
    )
