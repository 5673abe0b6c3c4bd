"""Depths of the queues, and clocks through the core, that RTL, cycle model, timing model and compiler must agree on.

A queue that only one module looks at has its depth there.
"""

from __future__ import annotations

from .hardware import Hardware

#: Commands and tiles that wait in the core, and descriptors between the decoder's parts.
CORE_QUEUE = 4
#: Tiles that wait for the words of the one before, where M = 1.
DENSE_TILES = 2
#: Clocks from the last step that writes an accumulator's entry to the first one that may read it.
SETTLE = 4
#: Instructions that wait for an engine.
ENGINE_QUEUE = 8
#: Jobs that wait for the fetcher, and tiles that wait for the weight reader.
PART_QUEUE = 4
#: Instructions between memory and the engines' queues, and of a request.
FETCH_QUEUE, FETCH_CHUNK = 64, 16
#: Requests that the reader has taken and not served, and those whose owner is remembered.
READER_QUEUE, READER_OWNERS = 8, 16
#: LOADs whose vectors are on their way.
LOAD_QUEUE = 8
#: Pixels that the fetcher reads ahead.
FETCHER_ROOM = 8
#: Words that the weight reader reads ahead.
WEIGHT_ROOM = 8
#: Vectors that the writer reads ahead.
WRITER_ROOM = 4
#: STOREs that have begun and not ended, and parts of the output memory.
STORE_QUEUE, OUTPUT_HALVES = 4, 2
#: Vectors of an item of raw sums, a step of the output stage each.
RAW_VECTORS = 4
#: Vectors of an output with the places of its largest items.
PLACED_VECTORS = 2
#: A counter of tokens, and the most that it holds.
TOKEN_COUNTER_BITS = 6
MOST_TOKENS = (1 << TOKEN_COUNTER_BITS) - 1


def patience(hw: Hardware) -> int:
    """Clocks without progress after which a run is deadlocked: a power of two, and far more than any sound run has.

    The longest ways without progress are through the decoder, for a tile without a value, and through array, output
    stage and pooling window; no run has been seen to take a quarter of it.
    """
    array = hw.array
    decoder = array.rows * array.cols // hw.weights.decode_lanes
    return 1 << (4 * (decoder + core_latency(hw) + array.cols // hw.outputs.lanes + 64) - 1).bit_length()


def core_latency(hw: Hardware) -> int:
    """Clocks from the last step of a pixel to its sums at the result port."""
    return hw.array.rows + hw.array.cols + 5


def output_vectors(*, raw: bool, places: bool) -> int:
    """Vectors that each output of a STORE has."""
    return RAW_VECTORS if raw else PLACED_VECTORS if places else 1


def output_clocks(hw: Hardware, pool: int = 1, *, vectors: int = 1) -> int:
    """Clocks that the output stage takes for an output of `pool` items and so many vectors, if no item is late.

    An item of a pooling window takes a clock. The columns of the largest sums leave in parts, the first while the
    window's last item is taken, and the last while the next window's first one is.
    """
    if vectors == RAW_VECTORS:
        return RAW_VECTORS
    parts = hw.array.cols // hw.outputs.lanes * vectors
    return parts if pool == 1 else pool - 1 + max(parts - 1, 1)
