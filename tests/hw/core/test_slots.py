"""The slots against their twin: the metadata of tiles, and any bits in its place."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from skipbeat_arch.command import CoreError
from skipbeat_hw.core.slots import Slots
from tests.hw.core.tile_streams import any_descriptor, sound_tiles, split
from tests.hw.in_process import refuses
from tests.hw.stimulus import Draw, Flicker, Fresh, Offer, Source, Wire, often, sometimes
from tests.hw.twins import Pair, Size, Where, cases, hold


def _streams(size: Size, rng: random.Random) -> Sequence[Source]:
    made = sound_tiles(size, rng)
    tiles, steps = split((([tile.descriptor.word(size.hw)], tile.steps(size.hw)) for tile in made), 2)
    return [
        Offer("tiles", sometimes(rng), tiles),
        Offer("steps", sometimes(rng), steps),
        Wire("slots__ready", sometimes(rng)),
    ]


def _any_step(size: Size, rng: random.Random) -> Draw:
    width = size.lanes * size.group
    return lambda: rng.choice([0, rng.getrandbits(width), rng.getrandbits(width) & rng.getrandbits(width)])


def _sources(size: Size, kind: str, rng: random.Random) -> Sequence[Source]:
    if kind == "sound":
        return [Fresh(lambda: _streams(size, rng))]
    return [
        Flicker("tiles", often(rng, 0.6), lambda: any_descriptor(size, rng).word(size.hw)),
        Flicker("steps", often(rng, 0.8), _any_step(size, rng)),
        Wire("slots__ready", often(rng, 0.8)),
    ]


SLOTS = Pair("slots", Slots, _sources, kinds=("sound", "no rule"))


@pytest.mark.parametrize(
    ("size", "where"),
    cases(
        [Size(3, 4, 8, 2), Size(2, 3, 4, 3)],
        [Size(1, 1, 4), Size(8, 8, 16, 4), Size(4, 2, 32), Size(3, 8, 4, 1), Size(2, 4, 8, 4)],
    ),
)
def test_slots(size: Size, where: Where) -> None:
    seen = hold(SLOTS, size, where)
    if where.backend == "shared":
        found = {CoreError.NONE, CoreError.TOO_MANY_NONZEROS, CoreError.COORDINATES_NOT_ASCENDING}
        assert seen["error_o"] == found


def test_wants_hardware() -> None:
    refuses(Slots)
