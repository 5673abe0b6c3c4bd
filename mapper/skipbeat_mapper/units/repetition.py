"""The units of a node of which many are alike, without most of these: where they begin again, and how often.

Everything on the chip is a ring, so after some column tiles or regions the places are those from before. Then the same
units come again, and only their places in memory are others. What is left out is a guess about the instructions and
their clocks: `order.repeats` and the timing model find out whether it is right.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from skipbeat_arch.depths import FETCH_CHUNK, FETCH_QUEUE
from skipbeat_arch.instruction import INSTRUCTION_BYTES
from skipbeat_arch.machine import PARAMETER_PITCH, Machine

from ..memory_map import MemoryMap, PlacedNode
from ..order.prefetch import FAR
from ..placing.node_mapping import Order
from ..placing.regions import Region, Span, blocks
from .planner import Planner

#: Areas that are not compared: parameters of all column tiles are loaded with the first one.
BEGINNING = 2
#: Column tiles, and units, until what a region begins with has no effect any more, roughly.
SETTLING, SETTLING_UNITS = 10, 4 * FAR
#: Column tiles of which each may be the first one of those that come again.
TRIED = 5
#: Instructions that a machine may know after the one that it has come to, roughly.
KNOWN = 2 * FETCH_QUEUE


class UnitCut(NamedTuple):
    """Units that come several times.

    Attributes:
        starts: where they may begin. stops: where those end that begin there.
        times: how often they come again after that.
        ring: entries by which their parameters move on, round and round.
    """

    starts: tuple[int, ...]
    stops: tuple[int, ...]
    times: int
    ring: int


@dataclass(frozen=True, kw_only=True)
class _Area:
    """Blocks of a region, which are visited in one column tile after the other.

    Attributes:
        first, count: the number of the first of them among all of the node, and how many there are.
        kind: equal for areas that only lie elsewhere in memory, and as far from where a burst begins.
    """

    first: int
    count: int
    kind: Hashable


class _Seen(NamedTuple):
    """A place that was come to: the number of its column tile or area among those that were made, and the ring's."""

    number: int
    ring: int


def repeats_may_pay(prepared: PlacedNode) -> bool:
    """Whether a node that is a program by itself may be cut short: nothing but rings decides where things lie."""
    chained = prepared.input is not None or prepared.output is not None
    ordered = prepared.mapping.order in (Order.WEIGHTS, Order.ACTIVATIONS)
    return ordered and not chained and not prepared.banks.slices and len(prepared.tables.runs) <= 1


class Repetition:
    """Makes the units of a node that is a program by itself, without most of those that are alike.

    Args:
        planner: of the node alone, of which nothing is made yet.
        memory: with it in its place.

    Attributes:
        cuts: of the units that were made; a cut in another one comes before it.
    """

    def __init__(self, planner: Planner, memory: MemoryMap) -> None:
        self.cuts: list[UnitCut] = []
        (self._prepared,) = (memory.groups[0].nodes[each] for each in planner.numbers)
        self._planner, self._machine = planner, memory.machine
        burst = self._machine.burst_beats * self._machine.beat_bytes
        self._code = math.lcm(burst // math.gcd(burst, INSTRUCTION_BYTES), FETCH_CHUNK)
        self._like = _alike(self._prepared)
        planner.follow(planner.visits[0])
        planner.make(0, 1)

    def make(self) -> None:
        """Makes those that are left."""
        areas, seen = list(_areas(self._prepared, self._machine)), dict[Hashable, _Seen]()
        kinds = [area.kind for area in areas]
        begins, number = list[list[int]](), 0
        while number < len(areas):
            key = kinds[number], self._planner.state, self._planner.operations % self._code
            first, times = _Seen(number, self._planner.ring(0)), 0
            if number >= BEGINNING:
                first = seen.setdefault(key, first)
            if len(begins) == number > first.number:  # nothing was left out yet
                times = _periods(kinds, first.number, number)
            ring = self._planner.ring(0) - first.ring
            number += times * (number - first.number)
            begins.append(self._area(areas[number]))
            if times:
                self._cut(begins[first.number], begins[-1], times, ring)
            number += 1

    def _area(self, area: _Area) -> list[int]:
        """Makes the units of an area; the number of the first unit of each column tile."""
        planner, seen, cut = self._planner, dict[Hashable, _Seen](), None
        begins, column, last = list[int](), 0, len(self._like)
        while column < last:
            settled = column >= SETTLING and planner.made - begins[0] >= SETTLING_UNITS
            if cut is None and settled and planner.streams:
                key = self._like[column], planner.places, planner.operations % self._code, self._memory(column)
                first = seen.setdefault(key, _Seen(len(begins), planner.ring(column)))
                times = self._columns(column, len(begins) - first.number, planner.made - begins[-1])
                if times:
                    stop = column + times * (len(begins) - first.number)
                    planner.skip(stop)
                    cut, column = (first, len(begins), times, planner.ring(stop) - first.ring), stop
            begins.append(planner.made)
            start = 1 + area.first * last + column * area.count
            planner.make(start, start + area.count)
            column += 1
        if cut is not None:
            first, number, times, ring = cut
            self._cut(begins[first.number :], begins[number:], times, ring)
        return begins

    def _columns(self, column: int, period: int, units: int) -> int:
        """How often as many column tiles as were just made may be left out from this one on.

        They are more than loads come early, or else these would be of column tiles before and after what is left out.
        """
        early = -(-FAR // max(1, units))
        if period <= early:
            return 0
        like, stop = self._like, column
        while stop < len(like) and like[stop] == like[stop - period]:
            stop += 1
        operations = self._planner.operations * units // max(1, self._planner.made)
        ahead = TRIED + 1 + max(early, -(-KNOWN // max(1, operations)))
        return max(0, stop - column - ahead) // period

    def _cut(self, starts: Sequence[int], stops: Sequence[int], times: int, ring: int) -> None:
        starts, stops = starts[:TRIED], stops[:TRIED]
        count = min(len(starts), len(stops))
        self.cuts.append(UnitCut(tuple(starts[:count]), tuple(stops[:count]), times, ring * PARAMETER_PITCH))

    def _memory(self, column: int) -> Hashable:
        """How far what a column tile reads and writes in memory is from where a burst begins, in vectors."""
        node, burst = self._prepared.node, self._machine.burst_beats
        weights, (_, height, width) = self._prepared.tiles.at[column], node.out_shape
        written = column * height * width * self._prepared.images * node.vectors
        return written % burst, column * PARAMETER_PITCH % burst, weights % burst


def _alike(prepared: PlacedNode) -> list[int]:
    """Of each column tile a number, the same for those whose tiles cost the same."""
    kinds: dict[Hashable, int] = {}
    every = zip(prepared.tiles.outputs, prepared.tiles.contents, strict=True)
    return [kinds.setdefault(each, len(kinds)) for each in every]


def _areas(prepared: PlacedNode, machine: Machine) -> Iterator[_Area]:
    """The areas of a node, in the order of its mapping."""
    first = 0
    for region in prepared.regions:
        parts = tuple(blocks(region, prepared.node, machine, prepared.mapping.pixels))
        together = [parts] if prepared.mapping.order == Order.WEIGHTS else [(part,) for part in parts]
        for each in together:
            kind = _kind(prepared, region, each, machine.burst_beats)
            yield _Area(first=first, count=len(each), kind=kind)
            first += len(each)


def _kind(prepared: PlacedNode, region: Region, parts: Sequence[tuple[Span, Span]], burst: int) -> Hashable:
    conv, (top, left) = prepared.node.convolution, (region.rows[0], region.columns[0])
    spans = tuple((a - top, b - top, c - left, d - left) for (a, b), (c, d) in parts)
    read = ((region.top - conv.padding[0]) * conv.width + region.left - conv.padding[1]) * region.images % burst
    written = (top * prepared.node.out_shape[2] + left) * region.images * prepared.node.vectors % burst
    sizes = region.rows[1] - top, region.columns[1] - left, region.lines, region.line_step, region.images, region.lead
    lines = region.real, region.tail, region.pitch, region.plane, region.entries, region.real_lines(conv)
    return sizes, lines, spans, read, written


def _periods(kinds: Sequence[Hashable], first: int, number: int) -> int:
    """How often areas from-to come again right after that, before at least one more that begins like the first."""
    period, stop = number - first, number
    while stop < len(kinds) and kinds[stop] == kinds[stop - period]:
        stop += 1
    return max(0, stop - number - 1) // period
