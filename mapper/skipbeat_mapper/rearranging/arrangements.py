"""How groups of a network's weights could come together: what is tried as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from skipbeat_arch.arrays import Indices
from skipbeat_arch.graph import Graph
from skipbeat_arch.machine import Machine

from ..balancing.channel_orders import channel_orders
from ..balancing.permuted_graph import permuted
from ..placing.banks import Banks
from ..tiles.node_tiles import NodeTiles, node_tiles
from .stacked_blocks import stackings


def arrangements(
    graph: Graph, machine: Machine, images: int = 1
) -> Iterator[tuple[Graph, Mapping[str, Indices], tuple[NodeTiles, ...]]]:
    """A graph, and how groups of its weights could come together: orders of channels, and the tiles of each node.

    Groups as they are; rows of the array with their fullest groups first; channels in balanced orders besides. What is
    equal to one before is left out. All of them again where blocks of `stackings` are doubtful for so many images.
    """
    for run in stackings(graph, machine, images):
        by_row = _tiles(run, machine)
        if not all(each.plain for each in by_row):
            yield run, {}, plain_tiles(run, by_row, machine)
        yield run, {}, by_row
    if orders := channel_orders(graph, machine):
        for run in stackings(permuted(graph, orders), machine, images):
            yield run, orders, _tiles(run, machine)


def _tiles(graph: Graph, machine: Machine) -> tuple[NodeTiles, ...]:
    banks = (Banks.of_node(node, machine) for node in graph.nodes)
    return tuple(node_tiles(node, b, machine) for node, b in zip(graph.nodes, banks, strict=True))


def plain_tiles(graph: Graph, tiles: Sequence[NodeTiles], machine: Machine) -> tuple[NodeTiles, ...]:
    """Tiles whose rows take their groups in the plain order."""
    return tuple(
        each if each.plain else node_tiles(node, Banks.of_node(node, machine), machine, plain=True)
        for node, each in zip(graph.nodes, tiles, strict=True)
    )
