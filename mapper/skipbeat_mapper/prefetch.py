"""Loads of later units that may be put before the end of the present one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .units import Clear, Load, Range, Space, Unit

#: Units whose loads are put between the passes of the present one, whatever they cost.
NEAR = 2
#: Units whose loads are put there as far as they take no longer than its passes.
FAR = 16
#: Clocks that a LOAD costs beside those of its data, and a ZERO beside those of its entries.
LOAD_CLOCKS, ZERO_CLOCKS = 8, 3


@dataclass(frozen=True, eq=False)
class Pending:
    """A unit that is still to run, with those of its loads that have no place in the program yet."""

    unit: Unit
    loads: list[Load | Clear]


@dataclass(frozen=True, eq=False)
class Prefetch:
    """A load of `owner`, which comes `distance` units later."""

    owner: Pending
    load: Load | Clear
    distance: int

    @property
    def near(self) -> bool:
        """Whether it is needed soon."""
        return self.distance <= NEAR

    @property
    def banks(self) -> bool:
        """Whether it writes the activation banks."""
        return self.load.writes.space == Space.ACTIVATIONS

    def clocks(self, beats: int) -> int:
        """What it costs the load engine, a vector having so many beats."""
        if isinstance(self.load, Clear):
            return sum(stop - start + ZERO_CLOCKS for start, stop in self.load.spans)
        return self.load.count * beats + LOAD_CLOCKS


def prefetchable(units: Sequence[Pending]) -> list[Prefetch]:
    """Loads of later units that disturb nothing that is still to run before them; the first unit is the present one.

    Early ones may be put in any order. So none writes what one of an earlier unit writes, read there or not.
    """
    busy: dict[Space, list[Range]] = {space: [] for space in Space}
    early: list[Prefetch] = []
    known = 0
    for distance in range(1, len(units)):
        following = units[distance]
        if not following.loads:
            continue
        for before in units[known:distance]:
            for each in before.unit.busy:
                busy[each.space].append(each)
        known = distance
        first = len(early)
        for load in following.loads:
            if _meets(load.writes, busy) or (isinstance(load, Load) and _meets(load.reads, busy)):
                busy[load.writes.space].append(load.writes)
            else:
                early.append(Prefetch(following, load, distance))
        for found in early[first:]:
            busy[found.load.writes.space].append(found.load.writes)
    return early


def _meets(wanted: Range, busy: Mapping[Space, Sequence[Range]]) -> bool:
    space, first, last = wanted
    return any(start < last and first < stop for _, start, stop in busy[space])


def in_order(loads: Sequence[Load | Clear], *, first: bool) -> list[Load | Clear]:
    """A unit's loads in the order in which they are best emitted.

    What writes the banks may have to wait for a local STORE and comes last, except before the `first` one: then there
    is nothing to wait for, and a ZERO is not kept up by LOADs before it.
    """
    if first:
        return sorted(loads, key=lambda load: not isinstance(load, Clear))
    return sorted(loads, key=lambda load: load.writes.space == Space.ACTIVATIONS)
