"""Runs whose programs are kept: the same prices with another memory latency, and none of them made again."""

from __future__ import annotations

from typing import NoReturn

import pytest

from skipbeat_arch.hardware import Hardware, load_hardware
from skipbeat_arch.model import ModelRun
from skipbeat_mapper.estimate.kept_prices import KeptPrices, RunPrice
from skipbeat_mapper.estimate.kept_programs import MOST, KeptPrograms
from skipbeat_mapper.estimate.run_prices import RunPricer
from tests.mapper.estimate.priced_layers import known_run

HW = load_hardware("edge-8x8", ["activations.buffer_kib=8", "weights.buffer_kib=4"])

pytestmark = pytest.mark.usefixtures("empty_cache")


def slower(clocks: int, *others: str) -> Hardware:
    return load_hardware(
        "edge-8x8", ["activations.buffer_kib=8", "weights.buffer_kib=4", f"memory.latency_clocks={clocks}", *others]
    )


def both(run: ModelRun, hw: Hardware, kept: KeptPrices | None) -> tuple[RunPrice, RunPrice]:
    pricer = RunPricer(hw, kept)
    return pricer.as_it_is(run), pricer.dense(run)


@pytest.mark.parametrize("seed", [0, 7, 12])
def test_prices_at_other_latencies_are_fresh_ones(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    run, kept = known_run(seed, side=8, channels=20), KeptPrices()
    others = [slower(1), slower(90), slower(300, "memory.outstanding=1"), slower(2000)]
    fresh = [both(run, each, None) for each in others]
    assert both(run, HW, kept) == both(run, HW, None)

    def unwanted(*_: object, **__: object) -> NoReturn:
        pytest.fail("placed again")

    monkeypatch.setattr("skipbeat_mapper.estimate.run_prices.placements", unwanted)
    assert [both(run, each, kept) for each in others] == fresh


def test_other_hardware_and_other_runs_share_nothing() -> None:
    kept = KeptPrograms()
    first = kept.of(HW, "run")
    assert kept.of(slower(90), "run") is first
    assert kept.of(slower(90, "memory.outstanding=1"), "run") is first
    assert kept.of(HW, "another run") is not first
    for other in ("memory.bytes_per_clock=1", "memory.burst_beats=4", "weights.buffer_kib=8"):
        assert kept.of(slower(40, other), "run") is not first


def test_those_unused_for_longest_go() -> None:
    kept = KeptPrograms()
    first, second = kept.of(HW, "first"), kept.of(HW, "second")
    first.programs.operations = second.programs.operations = MOST // 2
    assert kept.of(HW, "first") is first
    second.programs.operations = MOST
    assert kept.of(HW, "third") is not second
    assert kept.of(HW, "second") is not second
    first.programs.operations = MOST
    assert kept.of(HW, "fourth") is not first
    assert kept.of(HW, "first") is not first
