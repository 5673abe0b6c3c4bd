"""Lower bounds: what each unit needs by definition, and no program that is quicker than its bounds."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch import instruction as isa
from skipbeat_arch.command import Command, Encoding
from skipbeat_arch.engines import Kind
from skipbeat_arch.estimate import Bound
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.tile import TileStatistics, pack_tile
from skipbeat_mapper.bounds import lower_bounds, memory_clocks, moved_bytes, tightest, tile_clocks
from skipbeat_mapper.search.timed_network import time_network
from skipbeat_sim.timing.columns import columns_of
from tests.mapper.networks import random_graph

#: V = 4, one decode lane for four columns, two output lanes, 16 bytes a clock in bursts.
MACHINE = Machine.of(load_hardware("tiny-4x4", ["weights.decode_lanes=1", "outputs.lanes=2"]))


def tile(encoding: Encoding, beat: int, rows: int) -> TileStatistics:
    """A tile of all columns whose groups have so many weights."""
    weights = np.zeros((rows, 4, 4), np.int8)
    weights[:, :beat] = 1
    return pack_tile(weights, MACHINE.hw, encoding)


@pytest.mark.parametrize(
    ("encoding", "beat", "rows", "clocks"),
    [
        (Encoding.DENSE, 4, 3, 12),  # 3 rows of 4 slots; no metadata
        (Encoding.BITMAP, 1, 3, 12),  # 12 groups by one lane
        (Encoding.BITMAP, 4, 1, 5),  # a row of 4 slots, 4 groups; 4 words of values and one of metadata
    ],
)
def test_a_tile_takes_its_words_its_slots_and_its_groups(encoding: Encoding, beat: int, rows: int, clocks: int) -> None:
    assert tile_clocks(tile(encoding, beat, rows), MACHINE) == clocks


def test_reads_and_writes_share_a_memory_that_is_not_duplex() -> None:
    shared = Machine.of(load_hardware("tiny-4x4", ["memory.bytes_per_clock=4"]))
    duplex = Machine.of(load_hardware("tiny-4x4", ["memory.bytes_per_clock=8"]))
    assert (shared.beat_bytes, duplex.beat_bytes) == (4, 4)
    assert [memory_clocks(shared, *moved) for moved in [(0, 0), (4, 4), (5, 4), (1, 100)]] == [0, 2, 3, 26]
    assert [memory_clocks(duplex, *moved) for moved in [(0, 0), (4, 4), (5, 4), (1, 100)]] == [0, 1, 2, 25]


PROGRAM = [
    isa.Load(kind=Kind.WEIGHTS, count=7),
    isa.Zero(count=9),
    isa.Pass(command=Command(pixels=5, beat=3, rows=1, cols=4, load=True)),
    isa.Pass(command=Command(pixels=5, beat=3, rows=1, cols=4, load=False)),
    isa.Pass(command=Command(pixels=2, beat=0, rows=0, cols=4, load=False)),
    isa.Store(low=-1, high=1, count=6, pool=4, local=True),
    isa.Store(low=-1, high=1, count=6, pool=1, memory=True, local=True),
    isa.Store(low=-1, high=1, count=2, pool=1, memory=True, raw=True),
    isa.Load(kind=Kind.ACTIVATIONS, count=3),
]
COLUMNS = columns_of(MACHINE, PROGRAM, [tile(Encoding.BITMAP, 1, 3)])


def test_bytes_are_those_of_loads_of_stores_to_memory_and_of_the_instructions() -> None:
    assert moved_bytes(MACHINE, COLUMNS) == (9 * 16 + (7 + 3) * 4, 6 * 4 + 2 * 4 * 4)


def test_each_unit_by_itself() -> None:
    bounds = lower_bounds(MACHINE, COLUMNS)
    assert bounds[Bound.COMPUTE] == 5 * 3 + 5 * 3 + 2  # a null pass takes a step for each pixel
    assert bounds[Bound.DECODER] == 12
    assert bounds[Bound.OUTPUT] == 6 * 4 + 6 * 2 + 2 * 4  # two clocks an item, one in a window, a raw one four
    assert bounds[Bound.MEMORY] == memory_clocks(MACHINE, *moved_bytes(MACHINE, COLUMNS))


def test_the_tightest_is_the_largest_and_of_equal_ones_the_first() -> None:
    assert tightest({Bound.COMPUTE: 3, Bound.MEMORY: 5, Bound.OUTPUT: 4}) == Bound.MEMORY
    assert tightest({Bound.COMPUTE: 5, Bound.MEMORY: 5}) == Bound.COMPUTE


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("preset", ["tiny-4x4", "edge-16x16-m8"])
def test_no_program_is_quicker_than_a_bound(seed: int, preset: str) -> None:
    network = time_network(random_graph(np.random.default_rng(seed)), Machine.of(load_hardware(preset)))
    lowered = network.lowered
    bounds = lower_bounds(network.memory.machine, lowered.columns)
    assert set(bounds) == set(Bound)
    assert max(bounds.values()) <= network.timing.cycles
    assert min(bounds.values()) >= 0
