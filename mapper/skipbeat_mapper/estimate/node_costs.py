"""What each node of a program costs: its clocks, events, bytes and bounds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from weakref import WeakKeyDictionary

import numpy as np

from skipbeat_arch.command import Encoding
from skipbeat_arch.estimate import LayerCost
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import node_instructions
from skipbeat_arch.registers import Cause
from skipbeat_arch.tile import TileStatistics
from skipbeat_arch.timing import Events, MachineEvents
from skipbeat_sim.timing.columns import Columns
from skipbeat_sim.timing.event_counts import event_counts

from ..bounds import lower_bounds, moved_bytes, tightest
from ..search.timed_network import TimedNetwork
from ..tiles.node_tiles import NodeTiles
from .describe import chosen_mapping, node_schedule, runner_up
from .events import machine_events
from .walks import engine_walks

#: What the nodes of programs cost but for their clocks, which alone depend on the memory's latency.
_KNOWN: WeakKeyDictionary[Columns, tuple[LayerCost, ...]] = WeakKeyDictionary()


def node_costs(network: TimedNetwork) -> list[LayerCost]:
    """The cost of each node; a node's clocks go from the end of the one before to its own, see `part_ends`."""
    program, clocks = network.lowered.columns, _clocks(network)
    if program not in _KNOWN:
        _KNOWN[program] = tuple(_without_clocks(network))
    return [
        replace(
            cost,
            cycles=sum(own.values()),
            clocks=own,
            schedule=replace(cost.schedule, runner_up=runner_up(network, chosen_mapping(network, number))),
        )
        for number, (cost, own) in enumerate(zip(_KNOWN[program], clocks, strict=True))
    ]


def _without_clocks(network: TimedNetwork) -> Iterator[LayerCost]:
    """What each node costs, as if it took no clocks."""
    machine, nodes, works = network.memory.machine, network.memory.groups[0].nodes, _work(network)
    moved = [list(moved_bytes(machine, work)) for work in works]
    # Instructions come in whole beats: what is left of the last one counts for the node that ends the program.
    left = network.timing.bytes_read - sum(read for read, _ in moved)
    moved[network.lowered.numbers[-1] % len(nodes)][0] += left
    walks = engine_walks(network.lowered.schedule)
    for number, work in enumerate(works):
        events, bounds = event_counts(work.passes, machine.hw), lower_bounds(machine, work)
        values, metadata = weight_bits(nodes[number].tiles, machine)
        yield LayerCost(
            cycles=0,
            clocks={},
            macs=events.macs,
            events=events,
            machine=machine_events(machine, work, *moved[number]),
            value_bits=values,
            metadata_bits=metadata,
            bound=tightest(bounds),
            schedule=node_schedule(network, number, bounds, walks[number]),
        )


def sum_costs(costs: Sequence[tuple[LayerCost, int]]) -> LayerCost:
    """One layer's costs, each as often as it is repeated; its weights are stored once, its schedule is the longest."""
    longest = max(costs, key=lambda each: each[0].cycles * each[1])[0]
    if len(costs) == 1 and costs[0][1] == 1:
        return longest
    events, moved = Events(), MachineEvents()
    clocks = dict.fromkeys(Cause, 0)
    bounds = dict.fromkeys(longest.schedule.bounds, 0)
    for cost, repeats in costs:
        events += _times(cost.events, repeats)
        moved += cost.machine.times(repeats)
        for cause, count in cost.clocks.items():
            clocks[cause] += count * repeats
        for bound, count in cost.schedule.bounds.items():
            bounds[bound] += count * repeats
    return LayerCost(
        cycles=sum(cost.cycles * repeats for cost, repeats in costs),
        clocks=clocks,
        macs=events.macs,
        events=events,
        machine=moved,
        value_bits=sum(cost.value_bits for cost, _ in costs),
        metadata_bits=sum(cost.metadata_bits for cost, _ in costs),
        bound=tightest(bounds),
        schedule=longest.schedule.repeated(bounds, sum(repeats for _, repeats in costs)),
    )


def weight_bits(tiles: NodeTiles, machine: Machine) -> tuple[int, int]:
    """Bits of values and of metadata in memory, each section of a tile padded to a word."""
    found = [(*_tile_bits(tile, machine.hw.word_bits), times) for tile, times in tiles.statistics]
    values, metadata = (sum(each[section] * each[2] for each in found) for section in (0, 1))
    return values, metadata


def _tile_bits(tile: TileStatistics, word: int) -> tuple[int, int]:
    metadata = 0 if tile.encoding == Encoding.DENSE else -(-tile.metadata_bits // word) * word
    return tile.word_count * word - metadata, metadata


def _clocks(network: TimedNetwork) -> list[dict[Cause, int]]:
    """Clocks of each node by what the array did."""
    causes, nodes = network.timing.causes, len(network.memory.graph.nodes)
    found = [dict.fromkeys(Cause, 0) for _ in range(nodes)]
    before = dict.fromkeys(Cause, 0)
    for number, end in zip(network.lowered.numbers, network.ends, strict=True):
        until = causes.until(end - 1)
        for cause, clocks in until.items():
            found[number % nodes][cause] += clocks - before[cause]
        before = until
    return found


def _work(network: TimedNetwork) -> list[Columns]:
    """The instructions of each node, those of all its parts and all groups of images."""
    lowered, nodes = network.lowered, len(network.memory.graph.nodes)
    numbers: list[list[int]] = [[] for _ in range(nodes)]
    for number, own in zip(lowered.numbers, node_instructions(lowered.nodes, len(lowered.columns)), strict=True):
        numbers[number % nodes] += own
    return [lowered.columns.some(np.sort(np.array(own, np.int64))) for own in numbers]


def _times(events: Events, count: int) -> Events:
    return Events(**{f.name: getattr(events, f.name) * count for f in fields(events)})
