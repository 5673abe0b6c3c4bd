"""The core against its twin: whole programs, contradictory ones, and commands and words that keep no rule."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from skipbeat_arch import ports
from skipbeat_arch.command import COMMAND_BITS, CoreError
from skipbeat_hw.core.core import Core
from skipbeat_verify.core_passes import random_passes
from tests.hw.core.tile_streams import any_descriptor, split
from tests.hw.in_process import refuses
from tests.hw.stimulus import Flicker, Fresh, Offer, Source, Values, Wire, bits, elements, often, sometimes
from tests.hw.twins import Pair, Size, Where, cases, hold, while_set

Part = tuple[list[int], list[int], list[int]]


def _programs(size: Size, rng: random.Random, contradictory: bool) -> Iterator[Part]:
    """Commands, words and bundles of random blocks, one after the other."""
    numbers, hw = np.random.default_rng(rng.getrandbits(32)), size.hw
    while True:
        program = random_passes(numbers, hw, blocks=rng.randint(1, 3), pixels=min(size.depth, rng.choice([1, 2, 3, 8])))
        commands, words = [command.to_word() for command in program.commands], []
        for tile in program.tiles:
            words += [int.from_bytes(row.tobytes(), "little") for row in tile.words]
            words[-1] |= 1 << hw.word_bits
        bundles = [
            ports.pack_array(bundle.ravel().tolist(), size.activation_bits)
            for block in program.bundles
            for bundle in block
        ]
        if contradictory and rng.random() < 0.8:
            if words and rng.random() < 0.5:
                at = rng.choice([rng.randrange(len(words)), 0])
                words[at] ^= rng.getrandbits(hw.word_bits) & rng.getrandbits(hw.word_bits + 1)
            else:
                at = rng.randrange(len(commands))
                commands[at] = _contradicted(commands[at], rng)
        yield commands, words, bundles


def _contradicted(command: int, rng: random.Random) -> int:
    """The command with one field changed or one bit flipped."""
    changes: list[Values] = [
        {"encoding": 3, "load": 1},
        {"load": 0},
        {"load": 0, "beat": 1},
        {"pixels": 0},
        {"beat": 1},
        {"cols": 1},
    ]
    word = ports.pack(ports.COMMAND, ports.unpack(ports.COMMAND, command) | rng.choice(changes))
    return rng.choice([word, word, command ^ 1 << rng.randrange(COMMAND_BITS)])


def _streams(size: Size, kind: str, rng: random.Random) -> Sequence[Source]:
    commands, words, bundles = split(_programs(size, rng, kind == "contradictory"), 3)
    return [
        Offer("commands", sometimes(rng), commands),
        Offer("weights", sometimes(rng), words),
        Offer("activations", sometimes(rng), bundles),
        Wire("results__ready", often(rng, rng.choice([1.0, 0.5, 0.05]))),
    ]


def _any_command(size: Size, rng: random.Random) -> int:
    """A sound command more often than not, and any bits otherwise."""
    if rng.random() < 0.2:
        return rng.getrandbits(COMMAND_BITS)
    tile = vars(any_descriptor(size, rng))
    values = tile | {"pixels": rng.randint(1, size.depth), "load": 1, "first": rng.getrandbits(1)}
    return ports.pack(ports.COMMAND, values | {"last": rng.getrandbits(1)})


def _sources(size: Size, kind: str, rng: random.Random) -> Sequence[Source]:
    if kind != "no rule":
        return [Fresh(lambda: _streams(size, kind, rng))]
    hw = size.hw
    return [
        Flicker("commands", often(rng, 0.5), lambda: _any_command(size, rng)),
        Flicker("weights", often(rng, 0.9), bits(rng, hw.word_bits + 1)),
        Flicker("activations", often(rng, 0.9), elements(rng, size.rows * size.group, size.activation_bits)),
        Wire("results__ready", often(rng, 0.8)),
    ]


CORE = Pair(
    "core",
    Core,
    _sources,
    kinds=("program", "contradictory", "no rule"),
    meaning={"results__payload": while_set("results__valid")},
    stopped=lambda values: values["error"] != 0,
)


QUICK = [Size(3, 2, 4, 2), Size(2, 3, 8, 1, depth=5, weight_bits=5)]


@pytest.mark.parametrize(
    ("size", "where"),
    cases(
        QUICK,
        [
            Size(1, 1, 4, depth=1, accumulator_bits=16),
            Size(8, 8, 4, 4, depth=16),
            Size(4, 4, 16, 2, depth=64),
            Size(2, 2, 32, 2, activation_bits=3, weight_bits=3),
            Size(1, 8, 8, 2),
            Size(8, 1, 4),
            Size(4, 4, 1),
            Size(2, 3, 1, weight_bits=5),
        ],
    ),
)
def test_core(size: Size, where: Where) -> None:
    seen = hold(CORE, size, where, reset_share=0.004)
    if where.backend == "shared":
        assert seen["error"] >= {CoreError.NONE, CoreError.BAD_GEOMETRY, CoreError.TRUNCATED_TILE}
        assert seen["error"] == set(CoreError) or size not in QUICK


def test_wants_hardware() -> None:
    refuses(Core)
