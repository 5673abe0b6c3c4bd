from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from skipbeat_arch.estimate import Bound, Estimate
from skipbeat_arch.registers import Cause
from skipbeat_reports.estimate import figures
from tests.reports.estimate.estimates import BYTES_PER_CLOCK, make_estimate, make_layer, small_layers


def test_amdahl_of_one_dense_and_one_sparse_layer() -> None:
    dense = replace(make_layer("a", density=1.0, pattern="dense"), cycles_dense=1000)
    sparse = replace(make_layer("b", density=0.25), cycles_dense=3000)
    assert figures.amdahl_limit(make_estimate((dense, sparse))) == pytest.approx(4000 / (1000 + 3000 / 4))
    assert figures.dense_share(make_estimate((dense, sparse))) == 0.25


def test_work_limit_counts_products(small: Estimate) -> None:
    assert figures.work_limit(small) == small.macs_dense / small.macs


def test_limits_without_a_nonzero_weight_are_infinite() -> None:
    nothing = make_estimate((make_layer("a", density=0.0),))
    assert figures.work_limit(nothing) == figures.amdahl_limit(nothing) == inf
    assert figures.dense_share(nothing) == 0


def test_no_layers() -> None:
    empty = make_estimate(())
    assert figures.speedup(empty) is None
    assert figures.throughput_per_s(empty) is None
    assert figures.memory_roof(empty) is None
    assert figures.dense_share(empty) == figures.latency_ms(empty) == 0
    assert figures.energy_by_component(empty.layers) == {}


def test_time_and_throughput(small: Estimate) -> None:
    seconds = small.cycles / (small.clock_mhz * 1e6)
    assert figures.latency_ms(small) == pytest.approx(1e3 * seconds)
    assert figures.throughput_per_s(small) == pytest.approx(small.batch / seconds)


def test_energy_by_component_keeps_the_total_and_starts_with_the_largest(small: Estimate) -> None:
    parts = figures.energy_by_component(small.layers)
    assert sum(parts.values()) == pytest.approx(1e6 * small.energy_uj)
    assert list(parts.values()) == sorted(parts.values(), reverse=True)
    assert parts["DRAM"] == pytest.approx(sum(layer.energy_pj["DRAM"] for layer in small.layers))


def test_clocks_by_cause_sum_to_the_cycles(small: Estimate) -> None:
    clocks = figures.clocks_by_cause(small.layers)
    assert set(clocks) == set(Cause)
    assert sum(clocks.values()) == small.cycles


def test_memory_roof_is_what_the_bounds_were_made_of_and_no_layer_is_above_it(small: Estimate) -> None:
    roof = figures.memory_roof(small)
    assert roof is not None
    assert roof == pytest.approx(BYTES_PER_CLOCK, rel=1e-3)
    assert all(figures.dram_bytes(layer) / layer.cost.cycles <= roof for layer in small.layers)


def test_no_memory_bound_no_roof() -> None:
    layer = small_layers()[0]
    schedule = replace(layer.cost.schedule, bounds={Bound.COMPUTE: 7})
    bare = replace(layer, cost=replace(layer.cost, schedule=schedule))
    assert figures.memory_roof(make_estimate((bare,))) is None
