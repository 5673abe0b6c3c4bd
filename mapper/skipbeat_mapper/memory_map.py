"""Where everything lies in memory, and what is prepared for each node before the plan is made."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skipbeat_arch.arrays import Bytes
from skipbeat_arch.graph import Graph, Node
from skipbeat_arch.machine import PARAMETER_BLOCKS, PARAMETER_PITCH, TABLE_ENTRIES, Machine
from skipbeat_arch.tensor_layout import tensor_bytes

from .placing.banks import Banks
from .placing.chained_outputs import Chain, Geometry, geometry, side_by_side
from .placing.node_mapping import PLAIN, NodeMapping
from .placing.regions import Region, Span, split
from .tiles.node_tiles import NodeTiles, node_tiles
from .tiles.offset_tables import NodeTables, node_tables, table_data
from .tiles.packed_node import packed_words, parameter_data

#: Most pixels of a block whose outputs stay on the chip, so that the next node need not wait long for the first.
CHAINED_PIXELS = 128


@dataclass(frozen=True, kw_only=True, eq=False)
class PlacedNode:
    """A node with its geometry and weights, and the memory vectors where its table, parameters and weights begin.

    Attributes:
        images: side by side in its maps.
        input, output: chains of its input and output, if they stay on the chip.
        gap: entries of the banks for what it loads, from-to.
        writes: whether its output goes to memory.
        overlaps: whether the next node may begin before this one has ended.
    """

    node: Node
    banks: Banks
    images: int
    regions: tuple[Region, ...]
    input: Chain | None
    output: Chain | None
    gap: Span
    writes: bool
    overlaps: bool
    tiles: NodeTiles
    tables: NodeTables
    table_at: int
    parameters_at: int
    weights_at: int
    mapping: NodeMapping = PLAIN


@dataclass(frozen=True, kw_only=True, eq=False)
class Group:
    """Images that are computed side by side: `images` of them, from number `first` on.

    Attributes:
        nodes: prepared for so many images.
        tensors: first vector of each tensor that is in memory.
    """

    images: int
    first: int
    nodes: tuple[PlacedNode, ...]
    tensors: dict[str, int]


@dataclass(frozen=True, kw_only=True, eq=False)
class MemoryMap:
    """All that follows the instructions, in vectors from the first one behind them.

    Attributes:
        groups: of images, one after the other.
        stored: vectors of tables (an entry of zeros first), parameters and weights; tensors follow.
        vectors: of all.
    """

    machine: Machine
    graph: Graph
    groups: tuple[Group, ...]
    stored: int
    vectors: int

    def data(self) -> Bytes:
        """What is stored: uint8 [stored · V]. Only now are weights packed."""
        data = np.zeros(self.stored * self.machine.vector, np.uint8)
        self.write(data)
        return data

    def write(self, data: Bytes) -> None:
        """Write it into a memory of zeros, uint8 [stored · V]."""
        machine = self.machine

        def put(at: int, part: Bytes) -> None:
            data[at * machine.vector : at * machine.vector + part.size] = part

        for group in {group.images: group for group in self.groups}.values():
            for each in group.nodes:
                put(each.table_at, table_data(each.tables.entries, machine))
        for number, each in enumerate(self.groups[0].nodes):
            put(each.parameters_at, parameter_data(each.node, machine))
            words = packed_words(each.node, each.banks, each.tiles, machine)
            for at in dict.fromkeys(group.nodes[number].weights_at for group in self.groups):
                put(at, words)


class _Room:
    """Hands out memory, each piece on a multiple of the longest burst."""

    def __init__(self, machine: Machine) -> None:
        self._align = machine.burst_beats
        self.at = 0

    def take(self, vectors: int) -> int:
        """The first of so many vectors."""
        start = self.at
        self.at += -(-vectors // self._align) * self._align
        return start


def memory_map(
    graph: Graph,
    machine: Machine,
    mappings: Sequence[NodeMapping] | None = None,
    tiles: Sequence[NodeTiles] | None = None,
    *,
    images: int = 1,
    side: int | None = None,
) -> MemoryMap:
    """Prepares every node and lays out the memory.

    Args:
        graph: the network.
        machine: the hardware.
        mappings: of every node; `PLAIN` for all if there are none.
        tiles: of every node, if they are known already.
        images: of a run.
        side: most images side by side; None: as many as keep on the chip what a single image does. Images with second
            operands of their own are never side by side.
    """
    if tiles is None:
        tiles = [node_tiles(node, Banks.of_node(node, machine), machine) for node in graph.nodes]
    banks = [each.banks for each in tiles]
    placer = _Placer(graph, machine, mappings or [PLAIN] * len(graph.nodes), banks, tiles, images)
    alone = any(node.operand for node in graph.nodes)
    spans = split(images, 1 if alone else side or side_by_side(graph, machine, banks, images))
    prepared = {size: placer.nodes(size) for size in dict.fromkeys(stop - first for first, stop in spans)}
    room = placer.room
    stored = room.at
    groups = []
    for first, stop in spans:
        nodes = placer.with_operands(prepared[stop - first], first)
        tensors = _tensors(graph, nodes, machine, room, stop - first)
        groups.append(Group(images=stop - first, first=first, nodes=nodes, tensors=tensors))
    return MemoryMap(machine=machine, graph=graph, groups=tuple(groups), stored=stored, vectors=room.at)


class _Placer:
    """Gives each node its places: parameters and weights once, tables for every number of images side by side.

    Second operands of products lie one behind the other, at equal distances.
    """

    def __init__(
        self,
        graph: Graph,
        machine: Machine,
        mappings: Sequence[NodeMapping],
        banks: Sequence[Banks],
        tiles: Sequence[NodeTiles],
        images: int,
    ) -> None:
        self.room = _Room(machine)
        self.room.take(machine.table_vectors)
        self._graph, self._machine, self._mappings = graph, machine, mappings
        self._banks, self._tiles = banks, tiles
        self._parameters = [self.room.take(len(t.columns) * PARAMETER_PITCH) for t in tiles]
        self._weights = [
            [self.room.take(t.words) for _ in range(images if node.operand else 1)]
            for node, t in zip(graph.nodes, tiles, strict=True)
        ]

    def nodes(self, images: int) -> tuple[PlacedNode, ...]:
        """Every node, for so many images side by side."""
        machine, nodes, banks, tiles = self._machine, self._graph.nodes, self._banks, self._tiles
        shape = geometry(self._graph, machine, banks, images, self._mappings)
        tables = [node_tables(*each) for each in zip(nodes, tiles, shape.regions, strict=True)]
        return tuple(
            PlacedNode(
                node=node,
                banks=banks[i],
                images=images,
                regions=shape.regions[i],
                input=shape.inputs[i],
                output=shape.outputs[i],
                gap=shape.gaps[i],
                writes=_in_memory(self._graph, shape, node.output),
                tiles=tiles[i],
                tables=tables[i],
                table_at=self.room.take(len(tables[i].entries) * machine.table_vectors),
                parameters_at=self._parameters[i],
                weights_at=self._weights[i][0],
                mapping=_finer(self._mappings[i], tiles[i], machine) if shape.outputs[i] else self._mappings[i],
                overlaps=shape.overlaps[i] and _together(tiles[i : i + 2], tables[i : i + 2], machine),
            )
            for i, node in enumerate(nodes)
        )

    def with_operands(self, nodes: tuple[PlacedNode, ...], image: int) -> tuple[PlacedNode, ...]:
        """Nodes with an image's own second operands; the same ones if they have none."""
        if not any(each.node.operand for each in nodes):
            return nodes
        return tuple(
            dataclasses.replace(each, weights_at=places[image]) if each.node.operand else each
            for each, places in zip(nodes, self._weights, strict=True)
        )


def _finer(mapping: NodeMapping, tiles: NodeTiles, machine: Machine) -> NodeMapping:
    """Smaller blocks for a node whose output is read on the chip, if that does not load weights again."""
    if mapping.pixels is not None or tiles.words > machine.weight_depth:
        return mapping
    return dataclasses.replace(mapping, pixels=CHAINED_PIXELS)


def _together(tiles: Sequence[NodeTiles], tables: Sequence[NodeTables], machine: Machine) -> bool:
    """Whether weights, parameters and tables of a node and the next one are on the chip at the same time.

    A ring begins again at its start if the second does not fit behind the first, so it needs room for it twice.
    """
    if len(tiles) < 2:
        return False
    rooms = (
        (machine.weight_depth, [each.words for each in tiles]),
        (PARAMETER_BLOCKS, [len(each.columns) for each in tiles]),
        (TABLE_ENTRIES - 1, [each.largest for each in tables]),
    )
    return all(first + 2 * second <= room for room, (first, second) in rooms)


def _in_memory(graph: Graph, shape: Geometry, tensor: str) -> bool:
    """Whether anybody reads a tensor from memory."""
    inputs = any(s.input == tensor and c is None for s, c in zip(graph.nodes, shape.inputs, strict=True))
    if any(tensor == name for each in graph.tensors for name, _ in each.parts):
        return True
    return inputs or tensor == graph.output or any(s.residual == tensor for s in graph.nodes)


def _tensors(graph: Graph, nodes: tuple[PlacedNode, ...], machine: Machine, room: _Room, images: int) -> dict[str, int]:
    """Places of the tensors of a group that are in memory."""
    vectors = {node.output: node.vectors for node in graph.nodes}
    local = {each.node.output for each in nodes if not each.writes}
    parts = {name: (t, first) for t in graph.tensors for name, first in t.parts}
    places = {
        t.name: room.take(images * tensor_bytes(t.shape, machine.vector, vectors.get(t.name, 1)) // machine.vector)
        for t in graph.tensors
        if t.name not in local and t.name not in parts
    }

    def place(name: str) -> int:
        if name in places:
            return places[name]
        whole, first = parts[name]
        return place(whole.name) + first // machine.vector * whole.height * whole.width * images

    return {t.name: place(t.name) for t in graph.tensors if t.name not in local}
