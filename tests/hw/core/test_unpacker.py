"""The unpacker against its twin: the metadata of tiles, and any words after any descriptor."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import pytest

from skipbeat_arch.command import Encoding
from skipbeat_hw.core.unpacker import Unpacker
from tests.hw.core.tile_streams import any_descriptor, sound_tiles, split
from tests.hw.in_process import refuses
from tests.hw.stimulus import Flicker, Fresh, Offer, Source, Wire, bits, often, sometimes
from tests.hw.twins import Pair, Size, Where, cases, hold


def _streams(size: Size, rng: random.Random) -> Sequence[Source]:
    hw = size.hw
    made = (tile for tile in sound_tiles(size, rng) if tile.descriptor.encoding != Encoding.DENSE)
    tiles, words = split((([tile.descriptor.unpack_word(hw)], tile.metadata(hw)) for tile in made), 2)
    return [
        Offer("tiles", sometimes(rng), tiles),
        Offer("words", sometimes(rng), words),
        Wire("steps__ready", sometimes(rng)),
    ]


def _descriptors(size: Size, rng: random.Random) -> Iterator[int]:
    """Also such that promise more words than they need, or fewer: the unpacker then waits for ever."""
    while True:
        descriptor = any_descriptor(size, rng)
        if descriptor.encoding != Encoding.DENSE:
            words = descriptor.metadata_words(size.hw) + rng.choice([0, 0, 0, -1, 1])
            yield descriptor.unpack_word(size.hw, words)


def _sources(size: Size, kind: str, rng: random.Random) -> Sequence[Source]:
    if kind == "sound":
        return [Fresh(lambda: _streams(size, rng))]
    descriptors = _descriptors(size, rng)
    return [
        Flicker("tiles", often(rng, 0.5), lambda: next(descriptors)),
        Flicker("words", often(rng, 0.7), bits(rng, size.hw.word_bits)),
        Wire("steps__ready", often(rng, 0.7)),
    ]


UNPACKER = Pair("unpacker", Unpacker, _sources, kinds=("sound", "no rule"))


@pytest.mark.parametrize(
    ("size", "where"),
    cases(
        [Size(3, 4, 8, 2), Size(2, 1, 4, weight_bits=5)],
        [
            Size(2, 8, 16, 8),
            Size(8, 8, 4, 2),
            Size(4, 3, 32, 3, weight_bits=7),
            Size(1, 2, 16, weight_bits=3),
            Size(2, 3, 8, 1, weight_bits=6),
            Size(1, 1, 32, weight_bits=2),
        ],
    ),
)
def test_unpacker(size: Size, where: Where) -> None:
    hold(UNPACKER, size, where)


def test_wants_hardware() -> None:
    refuses(Unpacker)
