"""The whole decoder against its twin: sound tiles, contradictory ones, and streams that keep no rule."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from skipbeat_arch.command import CoreError
from skipbeat_hw.core.decoder import WeightDecoder
from tests.hw.core.tile_streams import Halt, any_descriptor, contradictory_tiles, sound_tiles, split, write_means
from tests.hw.in_process import refuses
from tests.hw.stimulus import Flicker, Fresh, Offer, Source, Wire, bits, often, sometimes
from tests.hw.twins import Pair, Size, Where, cases, hold


def _streams(size: Size, kind: str, rng: random.Random) -> Sequence[Source]:
    made = (sound_tiles if kind == "sound" else contradictory_tiles)(size, rng)
    tiles, words = split((([tile.descriptor.word(size.hw)], tile.words) for tile in made), 2)
    bank_ok = Wire("bank_ok_i", sometimes(rng))
    return [Offer("tiles", sometimes(rng), tiles), Offer("weights", sometimes(rng), words), bank_ok]


def _sources(size: Size, kind: str, rng: random.Random) -> Sequence[Source]:
    if kind != "no rule":
        return [Fresh(lambda: _streams(size, kind, rng)), Halt()]
    return [
        Flicker("tiles", often(rng, 0.5), lambda: any_descriptor(size, rng).word(size.hw)),
        Flicker("weights", often(rng, 0.8), bits(rng, size.hw.word_bits + 1)),
        Wire("bank_ok_i", often(rng, 0.9)),
        Wire("halt_i", often(rng, 0.1)),
    ]


DECODER = Pair(
    "decoder",
    WeightDecoder,
    _sources,
    kinds=("sound", "contradictory", "no rule"),
    stopped=lambda values: values["halt_i"] != 0,
    meaning={"write_o": write_means},
)
ERRORS = {
    CoreError.NONE,
    CoreError.TOO_MANY_NONZEROS,
    CoreError.COORDINATES_NOT_ASCENDING,
    CoreError.TRUNCATED_TILE,
    CoreError.OVERLONG_TILE,
}


@pytest.mark.parametrize(
    ("size", "where"),
    cases(
        [Size(3, 4, 8, 2), Size(2, 3, 4, 3, weight_bits=5)],
        [
            Size(1, 1, 4),
            Size(8, 8, 16, 4),
            Size(4, 2, 32, weight_bits=7),
            Size(3, 8, 4, 1, weight_bits=3),
            Size(2, 4, 8, 4),
        ],
    ),
)
def test_decoder(size: Size, where: Where) -> None:
    seen = hold(DECODER, size, where)
    if where.backend == "shared":
        assert seen["error_o"] == ERRORS or size.group == 32


def test_wants_hardware() -> None:
    refuses(WeightDecoder)
