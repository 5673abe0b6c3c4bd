# amaranth: UnusedElaboratable=no
"""The statistics of a store against their twin."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from skipbeat_arch.ports import pack_array
from skipbeat_hw.training.peak import Peak
from tests.hw.stimulus import Source, Values, Wire, often
from tests.hw.training.vectors import Lanes, cases
from tests.hw.twins import Pair, Where, hold


class Store:
    """Sums that grow and shrink from store to store."""

    def __init__(self, lanes: int, rng: random.Random) -> None:
        self._lanes, self._rng, self._bits = lanes, rng, 8

    def drive(self) -> Values:
        rng = self._rng
        begin = rng.random() < 0.1
        if begin:
            self._bits = rng.randint(0, 39)
        sums = [rng.choice((-1, 1)) * rng.getrandbits(self._bits) for _ in range(self._lanes)]
        if rng.random() < 0.02:
            sums[0] = -1 << 39
        return {"begin_i": int(begin), "sums_i": pack_array(sums, 40)}

    def after(self, inputs: Values, outputs: Values) -> None:
        """Nothing depends on it."""


def _sources(lanes: Lanes, _kind: str, rng: random.Random) -> Sequence[Source]:
    clipped = Wire("clipped_i", lambda: rng.getrandbits(lanes.lanes))
    return [Store(lanes.lanes, rng), Wire("valid_i", often(rng, 0.7)), clipped]


PEAK = Pair("peak", Peak, _sources)


@pytest.mark.parametrize(("lanes", "where"), cases(Lanes(4), Lanes(1), Lanes(16)))
def test_peak(lanes: Lanes, where: Where) -> None:
    seen = hold(PEAK, lanes, where)
    if where.backend == "shared":
        assert {0, 40} <= seen["bits_o"]


def test_wants_a_lane() -> None:
    with pytest.raises(ValueError, match="at least one lane, not 0"):
        Peak(0)
