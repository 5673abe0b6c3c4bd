# amaranth: UnusedElaboratable=no
"""The generators against their twin."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import pytest

from skipbeat_arch.training.lfsr import draws, generators
from skipbeat_hw.training.draws import Draws
from tests.hw.in_process import simulate
from tests.hw.stimulus import Source, Wire, bits, often
from tests.hw.training.vectors import Lanes, cases
from tests.hw.twins import Pair, Where, hold


class Count(Lanes):
    """Generators side by side."""

    def arguments(self) -> Mapping[str, object]:
        return {"count": self.lanes}


def _sources(_count: Count, _kind: str, rng: random.Random) -> Sequence[Source]:
    return [Wire("seed_i", bits(rng, 31)), Wire("begin_i", often(rng, 0.1)), Wire("next_i", often(rng, 0.7))]


DRAWS = Pair("draws", Draws, _sources)


@pytest.mark.parametrize(("count", "where"), cases(Count(3), Count(1), Count(32)))
def test_draws(count: Count, where: Where) -> None:
    hold(DRAWS, count, where)


def test_the_sequence() -> None:
    inputs = {"seed_i": [77] * 12, "begin_i": [1] + [0] * 11, "next_i": [0] + [1] * 11}
    seen = simulate(Draws(1), inputs, ["draws_o"])["draws_o"]
    assert seen[1:] == draws(generators(77, 1), 11)[:, 0].tolist()


def test_wants_a_generator() -> None:
    with pytest.raises(ValueError, match="at least one generator, not 0"):
        Draws(0)
