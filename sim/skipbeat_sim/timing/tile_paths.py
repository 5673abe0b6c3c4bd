"""What the timing model keeps of a tile: a few numbers and responses, computed for all tiles at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.command import metadata_bits
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.tile import TileStatistics

from .load_timing import SLOTS_AHEAD, DecoderSizes, Response, row_responses


@dataclass(frozen=True, eq=False, slots=True)
class TilePath:
    """A tile as the recurrence over tiles sees it; equal ones are one object.

    Attributes:
        metadata_words, value_words: words of its two sections; dense tiles have no metadata.
        reads: responses of the reads of its metadata words, and possibly more.
        last_step: response of its last step of metadata.
        last_emit: response of its last slot's way out of the slot stage.
        loads: responses of its last two rows' entry into the slot stage, the last one last.
        fires: responses of its last `SLOTS_AHEAD` slots' way into the bank, the last one last.
        frees: responses of the fires that use up its last `RING + 1` value words, the last one last.
            `loads`, `fires` and `frees` are shorter if the tile has fewer rows, slots or words.
    """

    metadata_words: int
    value_words: int
    reads: list[Response]
    last_step: Response
    last_emit: Response
    loads: list[Response]
    fires: list[Response]
    frees: list[Response]


#: The paths of tiles, by all of the hardware that they depend on.
_KNOWN: dict[tuple[DecoderSizes, int, int], WeakKeyDictionary[TileStatistics, TilePath]] = {}
#: Value words that are there before the aligner has used up the oldest: two of its own, and a queue of two.
RING = 4


class _Slots(NamedTuple):
    """Where values end in the stream of slots; all int64 [tiles], positions are slot numbers within the tile."""

    value_words: Int64Array
    first_value: Int64Array
    frees: list[Int64Array]  # of the last `RING + 1` words, the last one last; if there is one


def tile_paths(tiles: Sequence[TileStatistics], hw: Hardware) -> list[TilePath]:
    """The paths of `tiles`, in order. That of a tile object is computed once, and kept as long as the tile.

    Raises:
        InputError: a tile without values, or one whose words do not agree with its slots.
    """
    known = _KNOWN.setdefault((DecoderSizes.of(hw), hw.array.group, hw.numbers.weight_bits), WeakKeyDictionary())
    new = list({id(tile): tile for tile in tiles if tile not in known}.values())
    if new:
        known.update(zip(new, _paths(new, hw), strict=True))
    return [known[tile] for tile in tiles]


def _paths(tiles: list[TileStatistics], hw: Hardware) -> list[TilePath]:
    beat = np.array([tile.beat for tile in tiles], np.int64)
    rows = np.array([tile.rows for tile in tiles], np.int64)
    bits = np.array([metadata_bits(tile.encoding, tile.beat, hw.array.group) for tile in tiles], np.int64)
    slots = _read_slots(tiles, hw.array.cols)
    _check_words(tiles, -(-rows * bits // hw.numbers.weight_bits) + slots.value_words)
    columns = [bits, beat, slots.first_value // beat, rows, slots.value_words, *slots.frees]
    distinct, place = np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)
    paths = _distinct_paths(distinct, hw)
    return [paths[number] for number in place.tolist()]


def _distinct_paths(columns: Int64Array, hw: Hardware) -> list[TilePath]:
    """The paths of tiles by their numbers, int64 [tiles, 5 + frees], as `_paths` puts them together."""
    keys, kind = np.unique(columns[:, :3], axis=0, return_inverse=True)
    bits, beat, _, rows, value_words, *frees = columns.T
    table = [row_responses(DecoderSizes.of(hw), *key) for key in keys.tolist()]
    decoded, loaded, emitted, fired = (
        np.stack([getattr(entry, name) for entry in table]) for name in ("decoded", "loaded", "emitted", "fired")
    )

    def fire(position: Int64Array) -> Int64Array:
        row, slot = np.divmod(np.maximum(position, 0), beat)
        return fired[kind, row] + slot[:, None]

    last, size = (kind, rows - 1), rows * beat
    loads = [loaded[kind, np.maximum(rows - 2, 0)], loaded[last]]
    fires = [fire(size - back) for back in range(SLOTS_AHEAD, 0, -1)]
    events = [decoded[last], emitted[last], *loads, *fires, *map(fire, frees)]
    ends = 4, 4 + SLOTS_AHEAD, len(events)
    counts = zip(
        np.minimum(rows, 2).tolist(),
        np.minimum(size, SLOTS_AHEAD).tolist(),
        np.minimum(value_words, RING + 1).tolist(),
        strict=True,
    )
    return [
        TilePath(
            metadata, values, table[entry].reads, *row[:2], *(row[e - n : e] for e, n in zip(ends, few, strict=True))
        )
        for metadata, values, entry, row, few in zip(
            (-(-rows * bits // hw.numbers.weight_bits)).tolist(),
            value_words.tolist(),
            kind.tolist(),
            np.stack(events, axis=1).tolist(),
            counts,
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
        position: Int64Array = np.minimum(np.searchsorted(stored, before + taken), ends - 1) - starts
        return position

    first_value = np.searchsorted(stored, before, side="right") - starts
    return _Slots(words, first_value, [uses_up(left) for left in range(RING, -1, -1)])


def _check_words(tiles: list[TileStatistics], expected: Int64Array) -> None:
    for tile, count in zip(tiles, expected.tolist(), strict=True):
        if tile.word_count != count:
            raise InputError(f"tile: {tile.word_count} words, but its slots ask for {count}")
