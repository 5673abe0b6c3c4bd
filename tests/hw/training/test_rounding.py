# amaranth: UnusedElaboratable=no
"""Stochastic rounding against its twin."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest

from skipbeat_arch.ports import pack, pack_array
from skipbeat_arch.training.jobs import rounding_fields
from skipbeat_hw.training.rounding import Rounding
from tests.hw.stimulus import Fresh, Offer, Source, Wire, sometimes
from tests.hw.training.vectors import Begun, Lanes, cases, endless
from tests.hw.twins import Pair, Where, hold, while_set


def sums(rng: random.Random, lanes: int) -> Callable[[], int]:
    """Items of sums of any size, 0, and the ends of 40 bits."""

    def one() -> int:
        any_size = rng.choice((-1, 1)) * rng.getrandbits(rng.randint(1, 39))
        return any_size if rng.random() < 0.8 else rng.choice((0, (1 << 39) - 1, -1 << 39))

    return lambda: pack_array([one() for _ in range(lanes)], 40)


def _sources(lanes: Lanes, _kind: str, rng: random.Random) -> Sequence[Source]:
    def begin() -> Sequence[Source]:
        job = pack(
            rounding_fields(), {"shift": rng.choice((0, 1, rng.randint(2, 31), 32, 33)), "seed": rng.getrandbits(31)}
        )
        return [
            Begun(job),
            Offer("i", sometimes(rng), endless(sums(rng, lanes.lanes))),
            Wire("o__ready", sometimes(rng)),
        ]

    return [Fresh(begin)]


ROUNDING = Pair("rounding", Rounding, _sources, meaning={"o__payload": while_set("o__valid")})


@pytest.mark.parametrize(("lanes", "where"), cases(Lanes(1), Lanes(3), Lanes(8)))
def test_rounding(lanes: Lanes, where: Where) -> None:
    hold(ROUNDING, lanes, where, reset_share=0.05)


def test_wants_a_lane() -> None:
    with pytest.raises(ValueError, match="at least one lane, not 0"):
        Rounding(0)
