"""Which arrangements of a network's weights are timed: never less than the quickest one."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_mapper.memory_map import MemoryMap
from skipbeat_mapper.program.lowering import lower
from skipbeat_mapper.rearranging.placements import placements
from skipbeat_mapper.search.close_networks import close_networks
from skipbeat_mapper.search.timed_network import time_network
from skipbeat_sim.timing.machine_timing import columns_timing
from tests.mapper.networks import Builder, random_graph

TINY = Machine.of(load_hardware("tiny-4x4"))
EDGE = Machine.of(load_hardware("edge-16x16"))


def clocks(memory: MemoryMap) -> int:
    program = lower(memory, "network")
    return columns_timing(memory.machine, program.columns).cycles


@pytest.mark.parametrize("seed", range(12))
def test_the_quickest_one_is_timed(seed: int) -> None:
    found = [each.memory for each in placements(random_graph(np.random.default_rng(seed), channels=40), TINY)]
    close = close_networks(found)
    assert len(close) == len(found)
    cycles = [clocks(each) for each in found]
    assert min(cycles) == min(each for each, timed in zip(cycles, close, strict=True) if timed)


def test_all_are_timed_where_each_has_a_better_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one is better than the third, that one than the second, and this one than the first."""
    ranks = iter([[(1, 1.0), (1, 2.0)], [(1, 2.0), (2, 1.0)], [(2, 1.0), (2, 4.0)]])
    monkeypatch.setattr("skipbeat_mapper.search.close_networks._ranks", lambda memory: next(ranks))
    builder = Builder((8, 4, 4), np.random.default_rng(0))
    builder.convolution(8, (1, 1), density=1.0)
    memory = placements(builder.graph(), TINY)[0].memory
    assert close_networks([memory] * 3) == [True, True, True]


def test_rows_in_the_plain_order_are_dropped_where_they_cost_the_first_convolution_much() -> None:
    builder = Builder((3, 24, 24), np.random.default_rng(0))
    builder.convolution(16, (7, 7), stride=(2, 2), padding=(3, 3), density=1.0)
    builder.convolution(16, (3, 3), density=1.0)
    found = [each.memory for each in placements(builder.graph(), EDGE)]
    cycles = [clocks(each) for each in found]
    close = close_networks(found)
    assert (len(found), close) == (2, [False, True])
    assert cycles[0] > 1.1 * cycles[1]
    assert time_network(builder.graph(), EDGE).timing.cycles <= cycles[1]


def test_one_alone_is_timed() -> None:
    builder = Builder((8, 6, 6), np.random.default_rng(0))
    builder.convolution(8, (1, 1), density=1.0)
    assert close_networks([each.memory for each in placements(builder.graph(), EDGE)]) == [True]
