# amaranth: UnusedElaboratable=no
"""The turn against its twin, both ways, and its sustained rate."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest

from skipbeat_hw.training.turn import Turn
from tests.hw.in_process import refuses, simulate
from tests.hw.stimulus import Fresh, Offer, Source, Wire, bits, sometimes
from tests.hw.training.vectors import Width, cases, endless
from tests.hw.twins import Pair, Where, hold, while_set


@dataclass(frozen=True)
class Turned(Width):
    """Of elements of so many bits, there or back."""

    bits: int = 8
    back: bool = False

    def __str__(self) -> str:
        return f"{super().__str__()}-b{self.bits}-{'back' if self.back else 'there'}"

    def arguments(self) -> Mapping[str, object]:
        return {"hw": self.hw, "bits": self.bits, "back": self.back}


def _sources(size: Turned, _kind: str, rng: random.Random) -> Sequence[Source]:
    items = endless(bits(rng, size.bits * size.lanes))
    return [Fresh(lambda: [Offer("i", sometimes(rng), items), Wire("o__ready", sometimes(rng))])]


TURN = Pair("turn", Turn, _sources, meaning={"o__payload": while_set("o__valid")})
THERE, BACK = Turned(8, 4), Turned(8, 4, bits=9, back=True)


@pytest.mark.parametrize(
    ("size", "where"), cases(THERE, BACK, Turned(4, 4), Turned(16, 8), Turned(16, 8, back=True), Turned(16, 16, bits=3))
)
def test_turn(size: Turned, where: Where) -> None:
    hold(TURN, size, where)


def test_a_vector_per_clock_for_ever() -> None:
    inputs = {"i__valid": [1] * 40, "i__payload": list(range(40)), "o__ready": [1] * 40}
    seen = simulate(Turn(THERE.hw), inputs, ["i__ready", "o__valid"])
    assert seen["i__ready"] == [1] * 40
    assert seen["o__valid"] == [0] * 4 + [1] * 36


def test_wants_whole_groups() -> None:
    refuses(Turn)
    with pytest.raises(ValueError, match="not 6 lanes and groups of 4"):
        Turn(Turned(6, 4).hw)
    with pytest.raises(ValueError, match="not 4 lanes and groups of 1"):
        Turn(Turned(4, 1).hw)
