"""The turner against its twin: jobs of any blocks and lanes, one behind the other and interrupted."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from skipbeat_arch.engines import Opcode
from skipbeat_hw.machine.turner import Turner
from tests.hw.in_process import refuses
from tests.hw.machine.lockstep_parts import NARROW, SHAPES, SMALL, ReadPort, Shape, cases, if_any, short, word
from tests.hw.stimulus import Fresh, Offer, Source, often
from tests.hw.twins import Meaning, Pair, Where, hold


def _jobs(shape: Shape, rng: random.Random) -> Iterator[int]:
    """Of a few blocks, often with all of their vectors; the inner loop is shorter or longer than all of them."""
    while True:
        lane = rng.choice([0, 0, rng.randrange(shape.cols)])
        lanes = rng.choice([shape.cols - lane, rng.randint(1, shape.cols - lane)])
        n0 = rng.choice([1, 2, 3, rng.getrandbits(8)])
        yield word(Opcode.TURN, rng, count=short(rng, 6), n0=n0, lane=lane, lanes=lanes)


def _sources(shape: Shape, _kind: str, rng: random.Random) -> Sequence[Source]:
    def begin() -> Sequence[Source]:
        def contents(_: int) -> int:
            return rng.getrandbits(8 * shape.cols)

        return [
            Offer("jobs", often(rng, rng.choice([1.0, 0.5, 0.02])), _jobs(shape, rng)),
            ReadPort("residual_i", "residual_address_o", contents, "residual_enable_o"),
        ]

    return [Fresh(begin)]


def _while_read() -> Meaning:
    return lambda values: -1 if values["residual_enable_o"] else 0


TURNER = Pair("turner", Turner, _sources, meaning={"residual_address_o": _while_read(), **if_any("vector_o")})


@pytest.mark.parametrize(
    ("shape", "where"),
    cases(*(replace(each, turn=True) for each in (NARROW, SMALL)), slow=[replace(each, turn=True) for each in SHAPES]),
)
def test_turner(shape: Shape, where: Where) -> None:
    hold(TURNER, shape, where)


def test_wants_a_machine() -> None:
    refuses(Turner)
