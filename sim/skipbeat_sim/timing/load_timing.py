"""How long a tile takes from the decoder into its bank: one recurrence over rows, as max-plus responses.

`docs/timing.md` derives the recurrences. Within a tile, row r has four clocks:

    decoded[r]  its last step of metadata leaves the unpacker
    loaded[r]   it enters the slot stage
    emitted[r]  its last slot leaves the slot stage
    fired[r]    the aligner takes its first slot (and one more in each clock after that)

Each of them is the maximum, over the six clocks that a tile finds when its turn comes (`ENTRIES`), of that
clock plus a constant. The constants (the responses) depend on the build, the metadata bits per group, b and the
first row that stores a value, but not on the run, so they are computed once and kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.hardware import Hardware

#: Before any clock: the neutral element of max. Far enough from the int64 limits that sums stay in range.
NEVER = -(1 << 60)

#: What a tile's clocks depend on, in the order of the last axis of every response:
#: - read: the earliest clock in which its first metadata word can be read;
#: - loaded: when the last row of the tile decoded before it entered the slot stage, which frees the row of steps;
#: - emitted, fired: when the last slot of the tile before it left the slot stage, and when the aligner took it;
#: - bank: the first clock in which its bank is free;
#: - value: the first clock in which the ring holds its first value.
ENTRIES = ("read", "loaded", "emitted", "fired", "bank", "value")

#: Clocks from each of `ENTRIES` to one event, as plain numbers.
Response = list[int]


class DecoderSizes(NamedTuple):
    """The build parameters that the decoder's clocks depend on; `word_bits` per weight word."""

    rows: int
    cols: int
    lanes: int
    word_bits: int

    @classmethod
    def of(cls, hw: Hardware) -> DecoderSizes:
        """The sizes of a hardware description."""
        return cls(hw.array.rows, hw.array.cols, hw.weights.decode_lanes, hw.word_bits)


@dataclass(frozen=True, eq=False)
class RowResponses:
    """Clocks that lie between each of `ENTRIES` and each row's clocks; `NEVER` where there is no path.

    Attributes:
        decoded, loaded, emitted, fired: int64 [rows, len(ENTRIES)], for all rows of the array.
        reads: for each metadata word of a tile that fills the rows, when the unpacker reads it; empty for dense.
    """

    decoded: Int64Array
    loaded: Int64Array
    emitted: Int64Array
    fired: Int64Array
    reads: list[Response]


def words_through_step(sizes: DecoderSizes, metadata_bits: int) -> Int64Array:
    """Metadata words that the unpacker has read once it emits each step of a tile, int64 [rows · steps per row].

    A step takes `lanes · metadata_bits` bits; words are read only while fewer bits than that are left.
    """
    steps = sizes.rows * sizes.cols // sizes.lanes
    bits = np.arange(1, steps + 1, dtype=np.int64) * (sizes.lanes * metadata_bits)
    return -(-bits // sizes.word_bits)


@lru_cache(maxsize=4096)
def row_responses(sizes: DecoderSizes, metadata_bits: int, beat: int, value_row: int) -> RowResponses:
    """The responses of the tiles with these metadata bits per group and this b.

    Args:
        sizes: the build.
        metadata_bits: 0 for dense, else bits per group, at most M.
        beat: b, 1..M.
        value_row: the first row that stores a value; its first slot waits for the tile's first value word.
    """
    words = words_through_step(sizes, metadata_bits)
    clocks = np.maximum(np.diff(words, prepend=0), 1).reshape(sizes.rows, -1)
    steps = np.full((*clocks.shape, len(ENTRIES)), NEVER, np.int64)
    read, loaded_before, last_emit, last_fire, bank, value = np.where(np.eye(len(ENTRIES), dtype=bool), 0, NEVER)
    loaded, emitted, fired = (np.full((sizes.rows, len(ENTRIES)), NEVER, np.int64) for _ in range(3))
    for row in range(sizes.rows):
        loaded[row] = last_emit
        if metadata_bits:
            start = read + words[0] if row == 0 else steps[row - 1, -1] + clocks[row, 0]
            start = np.maximum(start, loaded[row - 1] if row else loaded_before)
            steps[row] = start + (np.cumsum(clocks[row]) - clocks[row, 0])[:, None]
            loaded[row] = np.maximum(last_emit, steps[row, -1] + 1)
        issued = np.maximum(last_fire, loaded[row] + 1)
        fired[row] = issued + 1
        if row == 0:
            fired[row] = np.maximum(fired[row], bank)
        if row == value_row:
            fired[row] = np.maximum(fired[row], value)
        emitted[row] = issued if beat == 1 else fired[row] + beat - 2
        last_fire, last_emit = fired[row] + beat - 1, emitted[row]
    reads = _reads(read, steps.reshape(-1, len(ENTRIES)), words) if metadata_bits else []
    return RowResponses(_limited(steps[:, -1]), _limited(loaded), _limited(emitted), _limited(fired), reads)


def _reads(first: Int64Array, steps: Int64Array, words: Int64Array) -> list[Response]:
    """When each metadata word is read: after the step that the words before it were enough for."""
    word = np.arange(words[-1])
    step = np.searchsorted(words, word, side="right") - 1
    after = steps[step] + (word - words[step])[:, None]
    reads: list[Response] = _limited(np.where(step[:, None] >= 0, after, first + word[:, None])).tolist()
    return reads


def _limited(response: Int64Array) -> Int64Array:
    """The same response, with `NEVER` where there is no path, and fixed."""
    limited = np.where(response < NEVER // 2, NEVER, response)
    limited.flags.writeable = False
    return limited
