"""What is kept of a window's items: the largest sums, and which items they first were."""

from __future__ import annotations

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from skipbeat_arch import ports
from skipbeat_arch.instruction import Store
from skipbeat_hw.layouts import struct
from skipbeat_hw.machine.window import Walk, take_items
from tests.hw.in_process import simulate

COLS, WINDOWS = 3, 20


class Taker(wiring.Component):
    """Windows of `pool` items, whose columns are always sent at once."""

    def __init__(self, pool: int, places: bool) -> None:
        self.pool, self.places = pool, places
        items = data.ArrayLayout(32, COLS)
        kept = {"largest": Out(data.ArrayLayout(32, COLS)), "numbers": Out(data.ArrayLayout(5, COLS))}
        super().__init__({"start": In(1), "results": In(stream.Signature(items)), "closed": Out(1)} | kept)

    def elaborate(self, _platform: object) -> Module:
        m, walk = Module(), Walk(1)
        job = Signal(struct(Store.full_layout()), init={"pool": self.pool, "count": WINDOWS})
        given = job, job, self.start, Signal(init=1), walk
        largest, numbers = take_items(m, self.results, *given, places=self.places)
        m.d.comb += [walk.following_last.eq(1), walk.following_near.eq(1), walk.last.eq(1)]
        m.d.sync += self.closed.eq(walk.closed)
        m.d.comb += self.largest.eq(largest.as_value())
        m.d.comb += [shown.eq(number) for shown, number in zip(self.numbers, numbers, strict=False)]
        return m


@pytest.mark.parametrize("pool", [1, 2, 5])
@pytest.mark.parametrize("places", [False, True])
def test_the_largest_sums_and_their_first_places(pool: int, places: bool) -> None:
    """Few values, so that several of a window are the largest."""
    items = np.random.default_rng(pool).integers(-2, 2, (WINDOWS, pool, COLS))
    words = [ports.pack_array(item, 32) for item in items.reshape(-1, COLS).tolist()]
    inputs = {"start": [1] + [0] * (len(words) + 1), "results__valid": [0] + [1] * len(words) + [0]}
    inputs["results__payload"] = [0, *words, 0]
    seen = simulate(Taker(pool, places), inputs, ["closed", "largest", "numbers"])
    ends = [clock for clock, closed in enumerate(seen["closed"]) if closed]
    assert ends == [pool * number + pool + 1 for number in range(WINDOWS)]
    sums, places_of = items.max(axis=1), items.argmax(axis=1) if places else np.zeros((WINDOWS, COLS), int)
    assert [seen["largest"][clock] for clock in ends] == [ports.pack_array(each, 32) for each in sums.tolist()]
    assert [seen["numbers"][clock] for clock in ends] == [ports.pack_array(each, 5) for each in places_of.tolist()]
