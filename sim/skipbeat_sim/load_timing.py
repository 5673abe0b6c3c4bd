"""How long a tile takes from the decoder into its bank: one recurrence over rows, as max-plus responses.

`docs/timing.md` derives the recurrences. Within a tile, row r has four clocks:

    decoded[r]  its last step of metadata leaves the unpacker
    loaded[r]   it enters the slot stage
    emitted[r]  its last slot leaves the slot stage
    fired[r]    the aligner takes its first slot (and one more in each clock after that)

Each of them is the maximum, over the five clocks that a tile finds when its turn comes (`ENTRIES`), of that
clock plus a constant. The constants (the responses) depend on the build, the metadata bits per group, b and the
first row that stores a value, but not on the run, so they are computed once and kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from skipbeat_arch.hardware import Hardware

IntArray = npt.NDArray[np.int64]

#: Before any clock: the neutral element of max. Far enough from the int64 limits that sums stay in range.
NEVER = -(1 << 60)

#: What a tile's clocks depend on, in the order of the last axis of every response:
#: - step: the earliest clock of its first step of metadata;
#: - emitted, fired: when the last slot of the tile before it left the slot stage, and when the aligner took it;
#: - bank: the first clock in which its bank is free;
#: - value: the first clock in which the ring holds its first value.
ENTRIES = ("step", "emitted", "fired", "bank", "value")


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
        first_words: words of metadata that the first step of a tile needs (0 for dense).
    """

    decoded: IntArray
    loaded: IntArray
    fired: IntArray
    emitted: IntArray
    first_words: int


def words_per_step(sizes: DecoderSizes, metadata_bits: int) -> IntArray:
    """New metadata words that each unpacker step of a tile has to wait for, int64 [rows, steps per row].

    A step takes `lanes · metadata_bits` bits; words are read only while fewer bits than that are left.
    """
    steps = sizes.cols // sizes.lanes
    needed = np.arange(1, sizes.rows * steps + 1, dtype=np.int64) * (sizes.lanes * metadata_bits)
    words = -(-needed // sizes.word_bits)
    return np.diff(words, prepend=0).reshape(sizes.rows, steps)


@lru_cache(maxsize=4096)
def row_responses(sizes: DecoderSizes, metadata_bits: int, beat: int, value_row: int) -> RowResponses:
    """The responses of the tiles with these metadata bits per group and this b.

    Args:
        sizes: the build.
        metadata_bits: 0 for dense, else bits per group, at most M.
        beat: b, 1..M.
        value_row: the first row that stores a value; its first slot waits for the tile's first value word.
    """
    new_words = words_per_step(sizes, metadata_bits)
    clocks = np.maximum(new_words, 1)
    rest = clocks[:, 1:].sum(axis=1)
    step, last_emit, last_fire, bank, value = np.where(np.eye(len(ENTRIES), dtype=bool), 0, NEVER).astype(np.int64)
    decoded, loaded, fired, emitted = (np.full((sizes.rows, len(ENTRIES)), NEVER, np.int64) for _ in range(4))
    for row in range(sizes.rows):
        loaded[row] = last_emit
        if metadata_bits:
            start = step if row == 0 else np.maximum(decoded[row - 1] + clocks[row, 0], loaded[row - 1])
            decoded[row] = start + rest[row]
            loaded[row] = np.maximum(last_emit, decoded[row] + 1)
        issued = np.maximum(last_fire, loaded[row] + 1)
        fired[row] = issued + 1
        if row == 0:
            fired[row] = np.maximum(fired[row], bank)
        if row == value_row:
            fired[row] = np.maximum(fired[row], value)
        emitted[row] = issued if beat == 1 else fired[row] + beat - 2
        last_fire, last_emit = fired[row] + beat - 1, emitted[row]
    for response in (decoded, loaded, fired, emitted):
        response[response < NEVER // 2] = NEVER
        response.flags.writeable = False
    return RowResponses(decoded, loaded, fired, emitted, int(new_words[0, 0]))
