# amaranth: UnusedElaboratable=no
"""The skew against its twin."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import pytest

from skipbeat_hw.core.skew import Skew
from tests.hw.stimulus import Source, Wire, elements
from tests.hw.twins import Pair, Where, cases, hold


@dataclass(frozen=True)
class Lanes:
    """Parameters of a skew."""

    lanes: int
    width: int

    def arguments(self) -> Mapping[str, object]:
        """Of the skew."""
        return asdict(self)


def _sources(p: Lanes, kind: str, rng: random.Random) -> list[Source]:
    return [Wire("i", elements(rng, p.lanes, p.width))]


SKEW = Pair("skew", Skew, _sources)


@pytest.mark.parametrize(("lanes", "where"), cases([Lanes(4, 11), Lanes(1, 3)], [Lanes(3, 128), Lanes(8, 1)]))
def test_skew(lanes: Lanes, where: Where) -> None:
    hold(SKEW, lanes, where)


def test_there_is_at_least_one_lane() -> None:
    with pytest.raises(ValueError, match="lanes must be at least 1, not 0"):
        Skew(width=8, lanes=0)
