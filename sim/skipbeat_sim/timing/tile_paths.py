"""What the timing model keeps of a tile: a few numbers and responses, computed for all tiles at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.command import metadata_bits
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.tile import TileStatistics

from .load_timing import NEVER, DecoderSizes, Response, row_responses


class TilePath(NamedTuple):
    """A tile as the recurrence over tiles sees it.

    Attributes:
        metadata_words, value_words: words of its two sections; dense tiles have no metadata.
        reads: responses of the reads of its metadata words, and possibly more.
        last_step: response of its last step of metadata.
        last_load: response of its last row's entry into the slot stage.
        last_emit: response of its last slot's way out of the slot stage.
        last_fire: response of its last slot's way into the bank.
        frees_last_but_two, frees_last_but_one, frees_last: responses of the fires that use up the third, second
            and last value word from the end; `NEVER` throughout if there is no such word.
    """

    metadata_words: int
    value_words: int
    reads: list[Response]
    last_step: Response
    last_load: Response
    last_emit: Response
    last_fire: Response
    frees_last_but_two: Response
    frees_last_but_one: Response
    frees_last: Response


class _Slots(NamedTuple):
    """Where values end in the stream of slots; all int64 [tiles], positions are slot numbers within the tile."""

    value_words: Int64Array
    first_value: Int64Array
    frees: tuple[Int64Array, Int64Array, Int64Array]  # last but two, last but one, last word; -1 if there is none


def tile_paths(tiles: Sequence[TileStatistics], hw: Hardware) -> list[TilePath]:
    """The paths of `tiles`, in order. A tile object that occurs several times is computed once.

    Raises:
        InputError: a tile without values, or one whose words do not agree with its slots.
    """
    distinct = list({id(tile): tile for tile in tiles}.values())
    if not distinct:
        return []
    place = dict(zip(map(id, distinct), _paths(distinct, hw), strict=True))
    return [place[id(tile)] for tile in tiles]


def _paths(tiles: list[TileStatistics], hw: Hardware) -> list[TilePath]:
    beat = np.array([tile.beat for tile in tiles], np.int64)
    rows = np.array([tile.rows for tile in tiles], np.int64)
    bits = np.array([metadata_bits(tile.encoding, tile.beat, hw.array.group) for tile in tiles], np.int64)
    meta_words = -(-rows * bits // hw.numbers.weight_bits)
    slots = _read_slots(tiles, hw.array.cols)
    _check_words(tiles, meta_words + slots.value_words)

    kinds = np.stack([bits, beat, slots.first_value // beat], axis=1)
    keys, kind = np.unique(kinds, axis=0, return_inverse=True)
    table = [row_responses(DecoderSizes.of(hw), *key) for key in keys.tolist()]
    decoded, loaded, emitted, fired = (
        np.stack([getattr(entry, name) for entry in table]) for name in ("decoded", "loaded", "emitted", "fired")
    )

    def fire(position: Int64Array) -> Int64Array:
        row, slot = np.divmod(position, beat)
        return np.where(position[:, None] >= 0, fired[kind, row] + slot[:, None], NEVER)

    last = kind, rows - 1
    events = [decoded[last], loaded[last], emitted[last], fire(rows * beat - 1), *(fire(p) for p in slots.frees)]
    return [
        TilePath(metadata, values, table[entry].reads, *responses)
        for metadata, values, entry, responses in zip(
            meta_words.tolist(),
            slots.value_words.tolist(),
            kind.tolist(),
            np.stack(events, axis=1).tolist(),
            strict=True,
        )
    ]


def _read_slots(tiles: list[TileStatistics], width: int) -> _Slots:
    """Find, for every tile, the slots at which its value words (of `width` values) are used up."""
    sizes = np.array([tile.slots.size for tile in tiles], np.int64)
    ends = np.cumsum(sizes)
    stored = np.cumsum(np.concatenate([tile.slots.ravel() for tile in tiles]))
    starts = ends - sizes
    before = np.where(starts > 0, stored[starts - 1], 0)
    total = stored[ends - 1] - before
    if total.min() < 1:
        raise InputError("tile: it stores no value, so there is no pass to issue")
    words = -(-total // width)

    def uses_up(left: int) -> Int64Array:
        """The slot that takes the last value of the word that has `left` words after it."""
        taken = (words - left) * width
        position = np.minimum(np.searchsorted(stored, before + taken), ends - 1) - starts
        return np.where(words > left, position, -1)

    first_value = np.searchsorted(stored, before, side="right") - starts
    return _Slots(words, first_value, (uses_up(2), uses_up(1), uses_up(0)))


def _check_words(tiles: list[TileStatistics], expected: Int64Array) -> None:
    for tile, count in zip(tiles, expected.tolist(), strict=True):
        if tile.word_count != count:
            raise InputError(f"tile: {tile.word_count} words, but its slots ask for {count}")
