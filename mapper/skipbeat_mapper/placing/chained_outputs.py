"""Which outputs stay on the chip as the input of the node that reads them next, and where.

A chained output is written by local STOREs into the only region of its reader. At most two such regions are in use at a
time, one at each end of the banks, so that what is between them is one gap for activations that come from memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from skipbeat_arch.graph import Graph, Node
from skipbeat_arch.machine import Machine

from .banks import Banks
from .node_mapping import PLAIN, NodeMapping
from .regions import Region, Span, bank_entries, block_limit, fits, make_region, regions


@dataclass(frozen=True, kw_only=True)
class Chain:
    """The output of node `source` in the banks, from entry `base` on, as node `reader` needs it."""

    source: int
    reader: int
    region: Region
    base: int

    def lives(self, node: int) -> bool:
        """Whether it is in use while a node runs."""
        return self.source <= node <= self.reader

    def meets(self, other: Chain) -> bool:
        """Whether they share entries."""
        return self.base < other.base + other.region.entries and other.base < self.base + self.region.entries


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """Regions and chains of all nodes for a group of images side by side.

    Attributes:
        images: of the group.
        regions: of each node.
        inputs, outputs: the chain that a node reads, and the one that it writes.
        gaps: entries of the banks that are free of chains while a node runs, from-to.
        overlaps: whether a node and the next one may run at the same time: they are chained, and what the next one
            writes leaves alone what the node reads.
    """

    images: int
    regions: tuple[tuple[Region, ...], ...]
    inputs: tuple[Chain | None, ...]
    outputs: tuple[Chain | None, ...]
    gaps: tuple[Span, ...]
    overlaps: tuple[bool, ...]


def geometry(
    graph: Graph, machine: Machine, banks: Sequence[Banks], images: int, mappings: Sequence[NodeMapping] | None = None
) -> Geometry:
    """Regions, and every chain that fits beside what the nodes meanwhile need.

    Args:
        graph: the network.
        machine: the hardware.
        banks: of each node's input.
        images: side by side.
        mappings: of each node; `PLAIN` for all if there are none.
    """
    pairs = list(zip(graph.nodes, banks, strict=True))
    mappings = mappings or [PLAIN] * len(pairs)
    areas = [
        tuple(regions(s, machine, b.loaded, images, mapping=each, turns=b.turns))
        for (s, b), each in zip(pairs, mappings, strict=True)
    ]
    needed = [
        min(each.share, len(parts) * b.turns) * max(r.entries for r in parts)
        for each, parts, b in zip(mappings, areas, banks, strict=True)
    ]
    chains: list[Chain] = []
    for number in range(len(graph.nodes)):
        chain = _chain(graph, machine, banks, needed, chains, number, images)
        if chain is not None:
            chains.append(chain)
            areas[chain.reader] = (chain.region,)
    nodes = range(len(graph.nodes))
    inputs, outputs = {c.reader: c for c in chains}, {c.source: c for c in chains}
    room = bank_entries(machine)
    both = [_overlap(graph, chains, needed, i, room) for i in nodes]
    return Geometry(
        images=images,
        regions=tuple(areas),
        inputs=tuple(inputs.get(i) for i in nodes),
        outputs=tuple(outputs.get(i) for i in nodes),
        gaps=tuple(_gap(chains, (i, i + 1) if both[i] else (i,), room) for i in nodes),
        overlaps=tuple(both),
    )


def _chain(
    graph: Graph,
    machine: Machine,
    banks: Sequence[Banks],
    needed: Sequence[int],
    chains: list[Chain],
    source: int,
    images: int,
) -> Chain | None:
    """The chain of a node's output to its first reader, if there is one and it fits.

    Args:
        needed: entries that each node needs for what it loads; with the other arguments of `geometry`.
    """
    node, room = graph.nodes[source], bank_entries(machine)
    reader = next((i for i in range(source + 1, len(graph.nodes)) if graph.nodes[i].input == node.output), None)
    if node.vectors > 1 or reader is None or node.stacked != graph.nodes[reader].stacked:
        return None
    if banks[source].slices and all(chain.reader != source for chain in chains):
        return None  # loads of its slices would wait for every local STORE
    region = _whole(graph.nodes[reader], banks[reader].planes, images)
    others = [chain for chain in chains if chain.lives(source)]
    if len(others) > 1 or not fits(region, room):
        return None
    loaded = set(range(source, reader)) - {chain.reader for chain in chains}
    for number in range(source, reader + 1):
        live = sum(chain.region.entries for chain in chains if chain.lives(number))
        if live + region.entries + (needed[number] if number in loaded else 0) > room:
            return None
    below = not any(chain.base == 0 for chain in others)
    return Chain(source=source, reader=reader, region=region, base=0 if below else room - region.entries)


def _whole(node: Node, planes: int, images: int) -> Region:
    height, width = node.out_shape[1:]
    return make_region(node, (0, height), (0, width), planes, images, whole_map=True)


def _gap(chains: list[Chain], nodes: Sequence[int], room: int) -> Span:
    """Entries between the chains at both ends that live while some nodes run."""
    live = [chain for chain in chains if any(chain.lives(node) for node in nodes)]
    first = max((chain.base + chain.region.entries for chain in live if chain.base == 0), default=0)
    return first, min((chain.base for chain in live if chain.base), default=room)


def _overlap(graph: Graph, chains: list[Chain], needed: Sequence[int], node: int, room: int) -> bool:
    """Whether a node and the next one may run at the same time."""
    own = next((chain for chain in chains if chain.source == node), None)
    if own is None or own.reader != node + 1 or graph.nodes[node + 1].residual == graph.nodes[node].output:
        return False
    source = next((chain for chain in chains if chain.reader == node), None)
    target = next((chain for chain in chains if chain.source == node + 1), None)
    if source is None:
        first, stop = _gap(chains, (node, node + 1), room)
        return needed[node] <= stop - first
    return target is None or not source.meets(target)


def side_by_side(graph: Graph, machine: Machine, banks: Sequence[Banks], images: int) -> int:
    """How many images are computed at a time: as many as keep on the chip what a single image does."""
    if images == 1:
        return 1
    single = geometry(graph, machine, banks, 1)
    limit = min(block_limit(node, machine) for node in graph.nodes)
    sizes = sorted({-(-images // parts) for parts in range(1, images + 1)}, reverse=True)
    for size in sizes:
        if size <= limit and _keeps(single, graph, machine, banks, size):
            return size
    return 1


def _keeps(single: Geometry, graph: Graph, machine: Machine, banks: Sequence[Banks], images: int) -> bool:
    several, room = geometry(graph, machine, banks, images), bank_entries(machine)
    if not all(fits(region, room) for parts in several.regions for region in parts):
        return False  # a node that has room for one image only

    def shape(each: Geometry) -> list[tuple[int, int | None, bool]]:
        readers = [chain.reader if chain else None for chain in each.outputs]
        return [(len(r), reader, o) for r, reader, o in zip(each.regions, readers, each.overlaps, strict=True)]

    return shape(single) == shape(several)
