"""The rows of a tile in the decoder: rates that follow from the build, and words against a count by hand."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_sim.timing.load_timing import ENTRIES, NEVER, DecoderSizes, row_responses, words_through_step
from skipbeat_verify.core_passes import small_hardware


@pytest.mark.parametrize(
    ("cols", "lanes", "bits", "beat", "period"),
    [
        (8, 8, 4, 2, 2),  # the array takes 2 slots of each row
        (8, 1, 4, 2, 8),  # one lane needs a step per column
        (8, 2, 4, 4, 4),
        (8, 8, 32, 1, 4),  # 4 words of metadata per row, a clock each
        (8, 8, 0, 4, 4),  # dense
    ],
)
def test_rows_follow_at_the_rate_of_the_slowest_part(cols: int, lanes: int, bits: int, beat: int, period: int) -> None:
    responses = row_responses(DecoderSizes(12, cols, lanes, cols * 8), bits, beat, 0)
    fired = responses.fired[:, ENTRIES.index("read" if bits else "emitted")]
    assert set(np.diff(fired[3:]).tolist()) == {period}


def test_the_first_slot_waits_for_bank_and_value_and_dense_tiles_not_for_metadata() -> None:
    sizes = DecoderSizes.of(small_hardware(4, 4, 4, 2))
    bitmap, dense = row_responses(sizes, 4, 2, 1), row_responses(sizes, 0, 4, 0)
    assert bitmap.fired[0].tolist()[8:] == [0, NEVER]
    assert bitmap.fired[1].tolist()[8:] == [2, 0]
    assert dense.fired[0].tolist() == [4, NEVER, NEVER, 4, 4, NEVER, NEVER, 1, 0, 0]
    assert dense.reads == []


def test_metadata_words_are_read_when_a_step_needs_them() -> None:
    # 2 lanes of 4 bits against words of 32: four steps out of each word, two steps per row.
    assert words_through_step(DecoderSizes(4, 4, 2, 32), 4).tolist() == [1, 1, 1, 1, 2, 2, 2, 2]
    # A step of 4 lanes of 16 bits takes two words, and every word is read one clock after the last.
    sizes = DecoderSizes(3, 4, 4, 32)
    assert words_through_step(sizes, 16).tolist() == [2, 4, 6]
    responses = row_responses(sizes, 16, 1, 0)
    assert [read[0] for read in responses.reads] == [0, 1, 2, 3, 4, 5]
    assert responses.decoded[:, 0].tolist() == [2, 4, 6]
