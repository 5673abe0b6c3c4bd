"""The price of a program that goes on and on: its first groups exactly, the rest at the price of a further group.

A step has hundreds of images, or thousands of equal pieces of a gradient. What a group costs after others of its like
is the difference between the programs of three groups and of two, both priced as they run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from fractions import Fraction
from math import ceil
from typing import TypeVar

from skipbeat_arch.estimate import LayerCost
from skipbeat_arch.timing import Events, MachineEvents

from ..bounds import tightest

#: Groups of the two programs that are priced.
FEW, MORE = 2, 3

Counts = TypeVar("Counts", Events, MachineEvents)


def steady_cost(groups: Fraction, price: Callable[[int], LayerCost]) -> LayerCost:
    """The cost of so many groups; of up to `MORE` of them exactly.

    Args:
        groups: may have a part of one at the end.
        price: the cost of a program of so many groups.
    """
    if groups.denominator == 1 and groups <= MORE:
        return price(int(groups))
    few, more = price(FEW), price(MORE)
    rest = groups - FEW

    def goes_on(first: int, second: int) -> int:
        return max(0, ceil(first + (second - first) * rest))

    def counts(first: Counts, second: Counts) -> Counts:
        names = [field.name for field in fields(first)]
        found = {name: goes_on(getattr(first, name), getattr(second, name)) for name in names}
        return type(first)(**found)

    clocks = {cause: goes_on(few.clocks[cause], more.clocks[cause]) for cause in few.clocks}
    bounds = {bound: goes_on(few.schedule.bounds[bound], more.schedule.bounds[bound]) for bound in few.schedule.bounds}
    events = counts(few.events, more.events)
    return replace(
        more,
        cycles=goes_on(few.cycles, more.cycles),
        clocks=clocks,
        macs=events.macs,
        events=events,
        machine=counts(few.machine, more.machine),
        bound=tightest(bounds),
        schedule=replace(more.schedule, bounds=bounds),
    )


def times(cost: LayerCost, count: int) -> LayerCost:
    """A cost that comes `count` times, one after the other."""
    if count == 1:
        return cost
    events = Events(**{field.name: getattr(cost.events, field.name) * count for field in fields(Events)})
    bounds = {bound: clocks * count for bound, clocks in cost.schedule.bounds.items()}
    return replace(
        cost,
        cycles=cost.cycles * count,
        clocks={cause: clocks * count for cause, clocks in cost.clocks.items()},
        macs=cost.macs * count,
        events=events,
        machine=cost.machine.times(count),
        schedule=replace(cost.schedule, bounds=bounds),
    )
