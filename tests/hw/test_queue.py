# amaranth: UnusedElaboratable=no
"""The queue: what goes in comes out, in order, whatever valid and ready do."""

from __future__ import annotations

import random
from collections import deque

import pytest
from amaranth.lib import data

from skipbeat_hw.queue import Queue
from tests.hw.in_process import converted, simulate


@pytest.mark.parametrize(("depth", "shown"), [(1, 0), (2, 0), (5, 0), (1, 3), (2, 8), (4, 1)])
def test_items_come_out_in_order(depth: int, shown: int) -> None:
    rng = random.Random(depth)
    clocks = 200
    inputs = {name: [rng.getrandbits(1) for _ in range(clocks)] for name in ("i__valid", "o__ready")}
    inputs["i__payload"] = [rng.getrandbits(8) for _ in range(clocks)]
    queue = Queue(data.ArrayLayout(4, 2), depth=depth, shown=shown)
    seen = simulate(queue, inputs, ["i__ready", "o__valid", "o__payload"])
    held: deque[int] = deque()
    for clock in range(clocks):
        assert seen["i__ready"][clock] == (len(held) < depth)
        assert seen["o__valid"][clock] == bool(held)
        taken = inputs["i__valid"][clock] and seen["i__ready"][clock]
        if held:
            assert seen["o__payload"][clock] == held[0]
            if inputs["o__ready"][clock]:
                held.popleft()
        if taken:
            held.append(inputs["i__payload"][clock])


def test_verilog() -> None:
    assert "module queue(" in converted(Queue(8, depth=4), "queue")


@pytest.mark.parametrize("depth", [0, -1])
def test_depth_is_at_least_1(depth: int) -> None:
    with pytest.raises(ValueError, match=f"depth must be at least 1, not {depth}"):
        Queue(8, depth=depth)


@pytest.mark.parametrize("shown", [-1, 9])
def test_no_more_bits_are_shown_than_there_are(shown: int) -> None:
    with pytest.raises(ValueError, match=f"shown must be 0 to 8 bits, not {shown}"):
        Queue(8, depth=4, shown=shown)
