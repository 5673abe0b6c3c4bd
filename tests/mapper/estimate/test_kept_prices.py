"""Prices that are kept are those that would be found, in all fields, and belong to one content and one code."""

from __future__ import annotations

import dataclasses
import zlib
from pathlib import Path
from typing import NoReturn

import pytest

from skipbeat_arch.cache import write_value
from skipbeat_arch.graph import Graph
from skipbeat_arch.hardware import Hardware, load_hardware
from skipbeat_arch.model import ModelRun
from skipbeat_mapper.estimate import kept_prices
from skipbeat_mapper.estimate.kept_prices import KeptPrices, RunPrice, shared_prices
from skipbeat_mapper.estimate.run_prices import RunPricer
from tests.mapper.estimate.priced_layers import graph_run, known_run

HW = load_hardware("edge-8x8")

pytestmark = pytest.mark.usefixtures("empty_cache")


def unwanted() -> NoReturn:
    pytest.fail("priced again")


def both(kept: KeptPrices | None, run: ModelRun, hw: Hardware = HW) -> tuple[RunPrice, RunPrice]:
    pricer = RunPricer(hw, kept)
    return pricer.as_it_is(run), pricer.dense(run)


def watched(run: ModelRun) -> tuple[ModelRun, list[str]]:
    """The same run, and what is asked of it."""
    asked: list[str] = []

    def graph() -> Graph:
        asked.append("graph")
        return run.graph()

    return dataclasses.replace(run, graph=graph), asked


def forbidden(run: ModelRun) -> ModelRun:
    """The same run, whose graph nobody may ask for."""
    return dataclasses.replace(run, graph=unwanted)


@pytest.mark.parametrize("seed", range(2))
def test_kept_prices_are_fresh_ones_in_all_fields(seed: int) -> None:
    run = known_run(seed)
    fresh, first = both(None, run), both(KeptPrices(), run)
    again = both(KeptPrices(), forbidden(run))
    for one, other in zip((*fresh, *fresh), (*first, *again), strict=True):
        assert one == other
        assert repr(one) == repr(other)  # types and order of what is listed too


def test_names_clock_and_host_do_not_matter_but_what_is_built_does() -> None:
    run, kept = known_run(1), KeptPrices()
    price = both(kept, run)
    alike = load_hardware("edge-8x8", ["name=other", "clock_mhz=999", "host.elements_per_clock=3"])
    assert both(kept, forbidden(run), alike) == price
    other = load_hardware("edge-8x8", ["memory.latency_clocks=41"])
    assert both(kept, run, other) == both(None, run, other) != price


def test_other_content_is_another_price() -> None:
    kept, run = KeptPrices(), known_run(1)
    both(kept, run)
    for other in (
        dataclasses.replace(run, key=("seed", 2)),
        dataclasses.replace(run, structure=("other",)),
        dataclasses.replace(run, images=2),
        dataclasses.replace(run, names=("another", "name")),
    ):
        changed, asked = watched(other)
        both(kept, changed)
        assert asked


def test_other_code_has_other_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    run, asked = watched(known_run(1))
    both(KeptPrices(), run)
    asked.clear()
    both(KeptPrices(), run)
    assert not asked
    monkeypatch.setattr(kept_prices, "source_fingerprint", lambda *_: "a change")
    both(KeptPrices(), run)
    assert asked


def test_what_cannot_be_written_down_is_not_kept(empty_cache: Path) -> None:
    run = graph_run(known_run(1).graph())
    assert both(KeptPrices(), run) == both(None, run)
    assert not empty_cache.exists()


def test_something_else_under_the_key_is_nothing(empty_cache: Path) -> None:
    run = known_run(1)
    price = both(KeptPrices(), run)
    for path in (empty_cache / "prices").iterdir():
        write_value("prices", path.name, zlib.compress(b"{}"))
    assert both(KeptPrices(), run) == price


def test_a_process_shares_its_prices() -> None:
    assert shared_prices() is shared_prices()


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_prices, "MOST", 2)
    kept, price = KeptPrices(), RunPricer(HW).as_it_is(known_run(1))
    for number in range(5):
        kept.get(HW, known_run(1), ("content", number), lambda: price)
    assert len(kept._held) == 2
    assert kept.get(HW, known_run(1), ("content", 0), unwanted) == price
