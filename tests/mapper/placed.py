"""Networks with their places, and what a LOAD or a local STORE leaves in the activation banks (docs/machine.md)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Protocol

from skipbeat_arch.graph import Graph, Node, Tensor
from skipbeat_arch.machine import Machine
from skipbeat_mapper.memory_map import MemoryMap, memory_map
from skipbeat_mapper.placing.banks import Banks
from skipbeat_mapper.placing.regions import Region
from skipbeat_mapper.program.limits import check
from skipbeat_mapper.program.sequencing import schedule_of
from skipbeat_mapper.rearranging.slices import sliceable
from skipbeat_mapper.tiles.node_tiles import NodeTiles, node_tiles
from tests.mapper.random_nodes import in_map, needed_pixels

#: Channel group, row and column of the map, image.
Bundle = tuple[int, int, int, int]
#: A bank, and an entry of it.
Entry = tuple[int, int]
#: What is there; None for zeros.
Contents = dict[Entry, Bundle | None]


class Place(Protocol):
    """The fields by which the banks are written."""

    @property
    def to(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def pitch(self) -> int: ...
    @property
    def period(self) -> int: ...
    @property
    def bank(self) -> int: ...


def graph_of(*nodes: Node) -> Graph:
    """Nodes that follow one another, with the tensors that they name."""
    first = nodes[0].convolution
    tensors = [Tensor(name=nodes[0].input, channels=first.c_in, height=first.height, width=first.width)]
    for node in nodes:
        channels, height, width = node.out_shape
        tensors.append(Tensor(name=node.output, channels=channels, height=height, width=width))
    return Graph(tensors=tuple(tensors), nodes=nodes, input=nodes[0].input, output=nodes[-1].output)


def in_slices(graph: Graph, machine: Machine) -> list[NodeTiles]:
    """Tiles of a network's nodes, in slices wherever that can be."""
    banks = [Banks.of(node.convolution.c_in, machine) for node in graph.nodes]
    chosen = [b.sliced() if sliceable(node, machine) else b for node, b in zip(graph.nodes, banks, strict=True)]
    return [node_tiles(node, b, machine) for node, b in zip(graph.nodes, chosen, strict=True)]


def placed(graph: Graph, machine: Machine, images: int = 1, *, slices: bool = False) -> MemoryMap:
    """A network in memory, its nodes run plainly, or in slices wherever that can be.

    Raises:
        InputError: it does not fit the hardware.
    """
    memory = memory_map(graph, machine, tiles=in_slices(graph, machine) if slices else None, images=images)
    check(schedule_of(memory), "network")
    return memory


def vectors(first: int, count: int, size: tuple[int, int], images: int) -> list[Bundle]:
    """Channel block, row, column and image of vectors of a tensor, the first of them `first`."""
    found = []
    for number in range(first, first + count):
        pixel, image = divmod(number, images)
        line, column = divmod(pixel, size[1])
        block, row = divmod(line, size[0])
        found.append((block, row, column, image))
    return found


def write_banks(place: Place, data: Sequence[Bundle], machine: Machine) -> list[tuple[Entry, Bundle]]:
    """Where the bundles of each vector go, vectors being given by their channel block."""
    found = []
    for number, (block, row, column, image) in enumerate(data):
        line, at = divmod(number, place.width)
        for bank in range(machine.hw.array.rows):
            if (bank ^ place.bank) % (1 << place.period) // machine.bundles == 0:
                group = block * machine.bundles + bank % machine.bundles
                found.append(((bank, place.to + line * place.pitch + at), (group, row, column, image)))
    return found


def wanted(
    node: Node, banks: Banks, region: Region, base: int, output: tuple[int, int]
) -> Iterator[tuple[Entry, Bundle | None]]:
    """Every (bank, entry) that an output may read, and what has to be there."""
    conv, rows = node.convolution, banks.rows
    groups, images = range(-(-conv.c_in // banks.group)), range(region.images)
    for (row, column), group, image in itertools.product(needed_pixels(node, *output), groups, images):
        line, left = divmod(row - region.top, region.line_step)
        assert not left
        entry = base + line * region.pitch + (column - region.left) * region.images + image
        real = in_map(node, row, column)
        bundle = (group, row - conv.padding[0], column - conv.padding[1], image) if real else None
        plane = next(at for at in range(banks.planes) if sum(banks.periods[: at + 1]) > group)
        for bank in range(group - sum(banks.periods[:plane]), rows, banks.periods[plane]):
            yield (bank, entry + plane * region.plane), bundle


def group_of(banks: Banks, tile: int, row: int) -> int:
    """The channel group that a row has in a tile of `Banks.arrange`."""
    plane = tile % banks.planes
    return sum(banks.periods[:plane]) + row % banks.periods[plane]
