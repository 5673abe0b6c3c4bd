"""The accumulators against their twin: sound passes, and controls in any order."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from skipbeat_arch import ports
from skipbeat_hw.core.accumulators import Accumulators
from tests.hw.in_process import refuses
from tests.hw.stimulus import Source, Wire, elements
from tests.hw.twins import Pair, Size, Where, cases, hold


def _any_control(size: Size, rng: random.Random) -> Iterator[int]:
    """Any flags in any clock; pixels that exist."""
    while True:
        values = {name: rng.getrandbits(1) for name in ("valid", "open", "close", "first", "last")}
        yield ports.pack(ports.control_fields(size.hw), values | {"pixel": rng.randrange(size.depth)})


def _passes(size: Size, rng: random.Random) -> Iterator[int]:
    """Beats of sound passes with pauses; a pass may follow at once and read too early."""
    idle = dict.fromkeys(("valid", "open", "close", "first", "last", "pixel"), 0)
    while True:
        first, last = rng.random() < 0.4, rng.random() < 0.4
        beat, pixels = rng.randint(1, 4), rng.randint(1, size.depth)
        for pixel in range(pixels):
            for slot in range(beat):
                values = {"valid": 1, "open": int(slot == 0), "close": int(slot == beat - 1)}
                values |= {"first": int(first), "last": int(last), "pixel": pixel}
                yield ports.pack(ports.control_fields(size.hw), values)
            if rng.random() < 0.2:
                yield ports.pack(ports.control_fields(size.hw), idle)


def _sources(size: Size, kind: str, rng: random.Random) -> list[Source]:
    controls = _passes(size, rng) if kind == "passes" else _any_control(size, rng)
    return [Wire("control_i", lambda: next(controls)), Wire("psums_i", elements(rng, size.cols, size.hw.psum_bits))]


ACCUMULATORS = Pair("accumulators", Accumulators, _sources, kinds=("passes", "any control"))


@pytest.mark.parametrize(
    ("size", "where"),
    cases(
        [Size(2, 3, 4, depth=5), Size(1, 1, 4, depth=1, accumulator_bits=17)],
        [Size(8, 8, 4, depth=2), Size(1, 2, 8, depth=64, accumulator_bits=48), Size(4, 1, 4, depth=3), Size(3, 3, 1)],
    ),
)
def test_accumulators(size: Size, where: Where) -> None:
    hold(ACCUMULATORS, size, where)


def test_wants_hardware() -> None:
    refuses(Accumulators)
