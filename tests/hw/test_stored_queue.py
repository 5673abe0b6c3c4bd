# amaranth: UnusedElaboratable=no
"""The queue in block memory: what goes in comes out, in order, three clocks later at the earliest, one per clock."""

from __future__ import annotations

import random
from collections import deque

import pytest

from skipbeat_hw.stored_queue import StoredQueue
from tests.hw.in_process import converted, simulate


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_items_come_out_in_order(share: float) -> None:
    rng, depth, clocks = random.Random(3), 8, 200
    inputs = {name: [int(rng.random() < of) for _ in range(clocks)] for name, of in (("w_en", 0.6), ("r_en", share))}
    inputs["w_data"] = [rng.getrandbits(8) for _ in range(clocks)]
    # The user sees to it that there is room: never more put in than were taken `depth` items ago.
    level, earliest = 0, 0
    items: deque[tuple[int, int]] = deque()
    for clock in range(clocks):
        inputs["w_en"][clock] &= level < depth
        if items and clock >= max(items[0][0] + 3, earliest) and inputs["r_en"][clock]:
            items.popleft()
            earliest, level = clock + 1, level - 1
        if inputs["w_en"][clock]:
            items.append((clock, inputs["w_data"][clock]))
            level += 1
    seen = simulate(StoredQueue(width=8, depth=depth), inputs, ["r_rdy", "r_data"])
    held: deque[tuple[int, int]] = deque()
    for clock in range(clocks):
        there = bool(held) and clock >= held[0][0] + 3
        assert seen["r_rdy"][clock] == there
        if there:
            assert seen["r_data"][clock] == held[0][1]
            if inputs["r_en"][clock]:
                held.popleft()
        if inputs["w_en"][clock]:
            held.append((clock, inputs["w_data"][clock]))


def test_verilog() -> None:
    assert "module queue(" in converted(StoredQueue(width=8, depth=4), "queue")


@pytest.mark.parametrize("depth", [0, 3])
def test_depth_is_a_power_of_two(depth: int) -> None:
    with pytest.raises(ValueError, match=f"depth must be a power of two, not {depth}"):
        StoredQueue(width=8, depth=depth)
