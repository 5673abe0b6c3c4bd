"""Nodes in slices: those whose blocks of V outputs each read one block of V inputs, such as depthwise convolutions.

With all channel blocks of a pixel in the banks, the groups that such a block of outputs reads lie in V / M of the R
rows. In slices (`Banks.sliced`) they are in all rows, for as many kernel taps. A pixel takes more entries so, and
channel blocks are loaded one at a time: what stayed on the chip may have to come from memory.
"""

from __future__ import annotations

from skipbeat_arch.graph import Node
from skipbeat_arch.machine import Machine

from ..candidates import Candidate
from ..memory_map import MemoryMap, memory_map
from ..placing.banks import Banks
from ..tiles.node_tiles import NodeTiles, node_tiles


def sliceable(node: Node, machine: Machine) -> bool:
    """Whether a node can run in slices, and would meet more taps in a tile."""
    conv, bundles = node.convolution, machine.bundles
    narrow = conv.groups > 1 and conv.c_in == conv.c_out and machine.vector % (conv.c_in // conv.groups) == 0
    power_of_two = bundles & (bundles - 1) == 0
    return narrow and power_of_two and bundles < Banks.of(conv.c_in, machine).period


def chosen_slices(memory: MemoryMap) -> list[NodeTiles] | None:
    """Tiles of every node, in slices where that is quicker by the ranks of it and its neighbours; None if nowhere.

    Args:
        memory: the network without slices.
    """
    machine, graph, nodes = memory.machine, memory.graph, memory.groups[0].nodes
    whole = [each.tiles for each in nodes]
    sliced = [
        node_tiles(node, tiles.banks.sliced(), machine) if sliceable(node, machine) else tiles
        for node, tiles in zip(graph.nodes, whole, strict=True)
    ]
    if all(each is tiles for each, tiles in zip(sliced, whole, strict=True)):
        return None
    sizes = [group.images for group in memory.groups]
    mappings = [each.mapping for each in nodes]
    other = memory_map(graph, machine, mappings, sliced, images=sum(sizes), side=max(sizes))
    saved = [a - b for a, b in zip(_ranks(memory), _ranks(other), strict=True)]  # of clocks that no latency changes
    chosen = [
        each if sum(saved[max(at - 1, 0) : at + 2]) > 0 else tiles
        for at, (each, tiles) in enumerate(zip(sliced, whole, strict=True))
    ]
    return None if all(each is tiles for each, tiles in zip(chosen, whole, strict=True)) else chosen


def _ranks(memory: MemoryMap) -> list[float]:
    return [Candidate(memory, (at,), at, each).own_rank for at, each in enumerate(memory.groups[0].nodes)]
