"""How groups of a network's weights could come together: what is tried as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from skipbeat_arch.arrays import Indices
from skipbeat_arch.graph import Graph
from skipbeat_arch.machine import Machine

from .balancing.channel_orders import channel_orders
from .balancing.permuted_graph import permuted
from .banks import Banks
from .node_tiles import NodeTiles, node_tiles


def arrangements(
    graph: Graph, machine: Machine
) -> Iterator[tuple[Graph, Mapping[str, Indices], tuple[NodeTiles, ...]]]:
    """A graph, and how groups of its weights could come together: orders of channels, and the tiles of each node.

    Groups as they are; rows of the array with their fullest groups first; channels in balanced orders besides. What is
    equal to one before is left out.
    """

    def tiles(each: Graph) -> tuple[NodeTiles, ...]:
        banks = (Banks.of(node.convolution.c_in, machine) for node in each.nodes)
        return tuple(node_tiles(node, b, machine) for node, b in zip(each.nodes, banks, strict=True))

    by_row = tiles(graph)
    if not all(each.plain for each in by_row):
        yield graph, {}, plain_tiles(graph, by_row, machine)
    yield graph, {}, by_row
    if orders := channel_orders(graph, machine):
        balanced = permuted(graph, orders)
        yield balanced, orders, tiles(balanced)


def plain_tiles(graph: Graph, tiles: Sequence[NodeTiles], machine: Machine) -> tuple[NodeTiles, ...]:
    """Tiles whose rows take their groups in the plain order."""
    return tuple(
        each if each.plain else node_tiles(node, Banks.of(node.convolution.c_in, machine), machine, plain=True)
        for node, each in zip(graph.nodes, tiles, strict=True)
    )
