"""The price of many groups from those of few."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from skipbeat_arch.estimate import LayerCost
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.workload import Convolution
from skipbeat_mapper.training.product_prices import ProductPricer
from skipbeat_mapper.training.steady_state import steady_cost, times
from tests.mapper.training.made_products import product

CONV = Convolution(batch=1, c_in=8, c_out=8, height=4, width=4, kernel=(3, 3), padding=(1, 1))


@pytest.fixture(scope="module")
def cost() -> LayerCost:
    return ProductPricer(load_hardware("tiny-4x4")).product("conv", product(CONV, 1))


def test_few_groups_are_priced_as_they_are(cost: LayerCost) -> None:
    asked = []

    def price(count: int) -> LayerCost:
        asked.append(count)
        return replace(cost, cycles=100 * count)

    assert [steady_cost(Fraction(count), price).cycles for count in (1, 2, 3)] == [100, 200, 300]
    assert asked == [1, 2, 3]


def test_further_groups_cost_what_the_third_one_does(cost: LayerCost) -> None:
    def price(count: int) -> LayerCost:
        bounds = dict.fromkeys(cost.schedule.bounds, 7 * count)
        moved = replace(cost.machine, read_bytes=30 + 10 * count)
        events = replace(cost.events, macs=5 * count)
        schedule = replace(cost.schedule, bounds=bounds)
        return replace(cost, cycles=50 + 100 * count, macs=5 * count, events=events, machine=moved, schedule=schedule)

    found = steady_cost(Fraction(21, 2), price)
    assert (found.cycles, found.machine.read_bytes) == (1100, 135)
    assert found.macs == found.events.macs == 53  # a part counts as a whole
    assert set(found.schedule.bounds.values()) == {74}
    assert steady_cost(Fraction(3, 2), price).cycles == 200


def test_equal_programs_add_up(cost: LayerCost) -> None:
    found = times(cost, 3)
    assert (found.cycles, found.macs) == (3 * cost.cycles, 3 * cost.macs)
    assert sum(found.clocks.values()) == found.cycles
    assert found.events.results == 3 * cost.events.results
    assert found.machine == cost.machine.times(3)
    assert times(cost, 1) is cost
