"""How long a tile takes from the decoder into its bank: one recurrence over rows, as max-plus responses.

`docs/timing.md` derives the recurrences. Within a tile, row r has four clocks:

    decoded[r]  its last step of metadata leaves the unpacker
    loaded[r]   it enters the slot stage
    emitted[r]  its last slot leaves the slot stage
    fired[r]    its first slot fires in the aligner (and one more in each clock after that)

Each of them is the maximum, over the ten clocks that a tile finds when its turn comes (`ENTRIES`), of that
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

#: Slots that are on their way from the slot stage to the aligner: the next one leaves after the one before them fired.
SLOTS_AHEAD = 4

#: What a tile's clocks depend on, in the order of the last axis of every response:
#: - read: the earliest clock in which its first metadata word can be read; of a dense tile: in which its first row
#:   can enter the slot stage;
#: - loaded_before, loaded: when the last two rows with metadata before it entered the slot stage, which frees their
#:   steps' places;
#: - emitted: when the last slot before it left the slot stage;
#: - fired_4, fired_3, fired_2, fired_1: when the last four slots before it fired;
#: - bank: the first clock in which its bank is free;
#: - value: the first clock in which the aligner can use its first value.
ENTRIES = ("read", "loaded_before", "loaded", "emitted", "fired_4", "fired_3", "fired_2", "fired_1", "bank", "value")

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
    unit = np.where(np.eye(len(ENTRIES), dtype=bool), 0, NEVER)
    read, loaded_before, last_load, last_emit, *fires, bank, value = unit
    loaded, emitted, fired = (np.full((sizes.rows, len(ENTRIES)), NEVER, np.int64) for _ in range(3))
    loads = [loaded_before, last_load]
    for row in range(sizes.rows):
        loaded[row] = last_emit
        if row == 0 and not metadata_bits:
            loaded[row] = np.maximum(last_emit, read)
        if metadata_bits:
            start = read + words[0] if row == 0 else steps[row - 1, -1] + clocks[row, 0]
            start = np.maximum(start, loads[-2] + 1)
            steps[row] = start + (np.cumsum(clocks[row]) - clocks[row, 0])[:, None]
            loaded[row] = np.maximum(last_emit, steps[row, -1] + 1)
            loads.append(loaded[row])
        emit = np.maximum(loaded[row], fires[-SLOTS_AHEAD]) + 1
        fired[row] = np.maximum(emit + 3, fires[-1] + 1)
        if row == 0:
            fired[row] = np.maximum(fired[row], bank)
        if row == value_row:
            fired[row] = np.maximum(fired[row], value)
        fires += [fired[row] + slot for slot in range(beat)]
        emitted[row] = last_emit = _last_emit(emit, fires, beat)
    reads = _reads(read, steps.reshape(-1, len(ENTRIES)), words) if metadata_bits else []
    return RowResponses(_limited(steps[:, -1]), _limited(loaded), _limited(emitted), _limited(fired), reads)


def _last_emit(first: Int64Array, fires: list[Int64Array], beat: int) -> Int64Array:
    """When a row's last slot leaves, one slot a clock: each after the slot `SLOTS_AHEAD` before it has fired."""
    last = first
    for before in fires[len(fires) - beat + 1 - SLOTS_AHEAD : len(fires) - SLOTS_AHEAD]:
        last = np.maximum(last, before) + 1
    return last


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
