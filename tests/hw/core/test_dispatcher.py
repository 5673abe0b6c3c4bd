"""The dispatcher against its twin: sound tiles, contradictory ones, and streams that keep no rule."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from skipbeat_arch.command import CoreError
from skipbeat_hw.core.dispatcher import Dispatcher
from tests.hw.core.tile_streams import Halt, any_descriptor, contradictory_tiles, sound_tiles, split
from tests.hw.in_process import refuses
from tests.hw.stimulus import Flicker, Fresh, Offer, Source, Wire, bits, often, sometimes
from tests.hw.twins import Pair, Size, Where, cases, hold

OUT = ("unpack_o", "rows_o", "metadata_o", "values_o")


def _streams(size: Size, kind: str, rng: random.Random) -> Sequence[Source]:
    made = (sound_tiles if kind == "sound" else contradictory_tiles)(size, rng)
    tiles, words = split((([tile.descriptor.word(size.hw)], tile.words) for tile in made), 2)
    ready = [Wire(f"{port}__ready", sometimes(rng)) for port in OUT]
    return [Offer("tiles", sometimes(rng), tiles), Offer("weights", sometimes(rng), words), *ready]


def _sources(size: Size, kind: str, rng: random.Random) -> Sequence[Source]:
    if kind != "no rule":
        return [Fresh(lambda: _streams(size, kind, rng)), Halt()]
    half = often(rng, 0.5)
    return [
        Flicker("tiles", half, lambda: any_descriptor(size, rng).word(size.hw)),
        Flicker("weights", half, bits(rng, size.hw.word_bits + 1)),
        Wire("halt_i", often(rng, 0.1)),
        *(Wire(f"{port}__ready", often(rng, 0.8)) for port in OUT),
    ]


DISPATCHER = Pair(
    "dispatcher",
    Dispatcher,
    _sources,
    kinds=("sound", "contradictory", "no rule"),
    stopped=lambda values: values["halt_i"] != 0,
)


@pytest.mark.parametrize(
    ("size", "where"),
    cases(
        [Size(3, 4, 8, 2), Size(2, 1, 4, weight_bits=5)],
        [Size(8, 8, 4, 4), Size(4, 3, 32, 3, weight_bits=7), Size(1, 2, 16, weight_bits=3)],
    ),
)
def test_dispatcher(size: Size, where: Where) -> None:
    seen = hold(DISPATCHER, size, where)
    if where.backend == "shared":
        assert seen["error_o"] == {CoreError.NONE, CoreError.TRUNCATED_TILE}


def test_wants_hardware() -> None:
    refuses(Dispatcher)
