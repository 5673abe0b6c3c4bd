"""The arrays of some nodes together, and the units that are made of them."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import accumulate

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.command import Command, Encoding
from skipbeat_arch.graph import Node
from skipbeat_arch.machine import PARAMETER_BLOCKS, TABLE_ENTRIES
from skipbeat_arch.tile import TileStatistics

from ..memory_map import Group, MemoryMap
from ..order import places as at
from ..order.places import NOWHERE
from .making import fields as f
from .making.fields import Arrays
from .making.node_units import make_units
from .node_arrays import NodeArrays, node_arrays
from .on_chip import memory_sizes
from .units import Space, Units, Walk


@lru_cache(maxsize=4096)
def command_of(tile: TileStatistics, pixels: int, load: bool, first: bool, last: bool) -> Command:
    """The pass of a tile; few differ, so each is made once."""
    command = tile.command(pixels, first=first, last=last)
    return command if load else replace(command, load=False, encoding=Encoding.DENSE)


class Planner:
    """Makes the units of nodes.

    Args:
        memory: with all nodes in their places.
        nodes: the group of images of each, and its number there.

    Attributes:
        numbers: of the nodes in their groups. nodes: what each is made of.
        visits: of each, in its order, int64 [visits, 3], see `making.fields`; the first is its begin.
        arrays: of all together, with the chip and what was made.
    """

    def __init__(self, memory: MemoryMap, nodes: Sequence[tuple[int, int]]) -> None:
        placed, count = [(memory.groups[group], number) for group, number in nodes], len(memory.graph.nodes)
        self.numbers = [number for _, number in nodes]
        self.nodes = [node_arrays(group, number, memory.machine) for group, number in placed]
        lines, walks, begins = _joined(self.nodes)
        lines["nodes"][:, f.NUMBER] = [group * count + number for group, number in nodes]
        self._walks, self._tiles = walks, [tile for each in self.nodes for tile in each.statistics]
        self._outputs = [_outputs(group, number) for group, number in placed]
        firsts = zip(self.nodes, begins["columns"], begins["blocks"], strict=True)
        self.visits = [_numbered(each.visits, node, *first) for node, (each, *first) in enumerate(firsts)]
        nothing = dict.fromkeys(Arrays._fields, np.zeros((0, 3), np.int64))
        self.arrays = Arrays(**{**nothing, **lines, **_chip(memory, len(nodes))})

    def follow(self, visits: Int64Array) -> None:
        """Says which visits are numbered, int64 [visits, 3], and makes room for what each of them makes once."""
        self.arrays = self.arrays._replace(visits=visits, **_room(self.arrays, visits))

    def make(self, start: int, stop: int) -> None:
        """The units of visits from-to, behind those that were made."""
        make_units(self.arrays, start, stop)

    def start(self) -> None:
        """A program starts: the memories keep what is in them, and the array holds no tile."""
        self.arrays.chip[list(_MADE.values())], self.arrays.chip[f.RESIDENT] = 0, NOWHERE

    @property
    def made(self) -> int:
        """How many units were made."""
        return int(self.arrays.chip[f.UNITS])

    @property
    def operations(self) -> int:
        """Their loads, clears, walks, passes and stores, but for the load of the entry of zeros."""
        return int(self.arrays.chip[f.OPERATIONS])

    @property
    def streams(self) -> bool:
        """Whether weights of the only node come anew for every visit of a column tile."""
        return not self.arrays.nodes[0, f.ALL_WEIGHTS]

    @property
    def places(self) -> bytes:
        """Where what comes next will lie, but for parameters."""
        return self.arrays.chip[[f.NEXT + each for each in _RINGS]].tobytes()

    @property
    def state(self) -> Hashable:
        """What is still on the chip and where, of parameters from the next ones on; of one node only."""
        a = self.arrays
        weights, parameters, table = (a.kept[each, : a.chip[f.KEPT + each]] for each in _KEPT)
        start, stop = parameters[:, f.KEPT_START], parameters[:, f.KEPT_STOP]
        behind = (start - a.chip[f.NEXT + at.PARAMETERS]) % PARAMETER_BLOCKS
        parameters = np.column_stack([parameters[:, : f.KEPT_START], behind, stop - start])
        columns = a.columns[:, [f.COLUMN_AT, f.BACKWARDS, f.HAS_PARAMETERS]]
        others = weights, parameters, table, a.chip[f.RESIDENT : f.RESIDENT_CELLS + 1], columns
        return self.places, *(each.tobytes() for each in others)

    def ring(self, column: int) -> int:
        """Where the parameters of a column tile of the only node that comes next will lie, in blocks."""
        node, chip = self.arrays.nodes[0], self.arrays.chip
        return int(node[f.PARAMETERS_THERE] + column if node[f.ALL_PARAMETERS] else chip[f.NEXT + at.PARAMETERS])

    def skip(self, column: int) -> None:
        """Goes on with a column tile of the only node; those left out before it are like the ones that were made.

        What lies behind the parameters that are there is not of those left out: the last one's is the last one.
        """
        a, node = self.arrays, self.arrays.nodes[0]
        if node[f.ALL_PARAMETERS]:
            a.columns[:column, f.HAS_PARAMETERS] = 1
            return
        start, last = range(column)[-PARAMETER_BLOCKS:], a.chip[f.NEXT + at.PARAMETERS]
        there = a.kept[at.PARAMETERS, : a.chip[f.KEPT + at.PARAMETERS]]
        held = dict(there[:, [f.KEPT_START, f.KEY_PART]].tolist())
        held |= {(int(last) - back) % PARAMETER_BLOCKS: each for back, each in enumerate(reversed(start), 1)}
        rows = [(node[f.PARAMETERS_AT], each, block, block + 1) for block, each in held.items()]
        a.kept[at.PARAMETERS, : len(rows)] = rows
        a.chip[f.KEPT + at.PARAMETERS] = len(rows)

    def units(self) -> Units:
        """What was made."""
        a, chip = self.arrays, self.arrays.chip
        made = {name: getattr(a, name)[: chip[count]].T.copy() for name, count in _MADE.items()}
        busy = {name: getattr(a, name)[: chip[f.UNITS]].ravel() for name in ("busy_start", "busy_stop")}
        commands = [self._command(*each) for each in a.commands[: chip[f.COMMANDS]].tolist()]
        return Units.of(**made, **busy, walks=self._walks, commands=commands, tiles=self._tiles, outputs=self._outputs)

    def _command(self, tile: int, pixels: int, says: int) -> Command:
        if tile < 0:  # a null pass
            return Command(pixels=pixels, beat=0, rows=0, cols=-1 - tile, load=False)
        says_all = (bool(says & each) for each in (f.LOADS_TILE, f.FIRST, f.LAST))
        return command_of(self._tiles[tile], pixels, *says_all)


#: Memories of which it matters where the next entries are, and those of which some are kept.
_RINGS, _KEPT = (at.WEIGHTS, at.ACTIVATIONS, at.RESIDUAL, at.TABLE), (at.WEIGHTS, at.PARAMETERS, at.TABLE)
#: How many there are of what is made.
_MADE = {"units": f.UNITS, "passes": f.PASSES, "loads": f.LOADS, "spans": f.SPANS, "stores": f.STORES}


def _joined(nodes: Sequence[NodeArrays]) -> tuple[dict[str, Int64Array], list[Walk], dict[str, list[int]]]:
    """The lines of all nodes, the different walks of their parts, and where each node's lines begin."""
    names = "columns", "tiles", "places", "runs", "regions", "channels", "blocks", "parts"
    lines = {name: np.concatenate([getattr(each, name) for each in nodes]) for name in names}
    counts = {name: [len(getattr(each, name)) for each in nodes] for name in names}
    begins = {name: list(accumulate(each, initial=0))[:-1] for name, each in counts.items()}

    def moved(name: str, fields: Sequence[int], by: Sequence[int]) -> None:
        """Adds what is before a node's own to fields of its lines, but where these are none."""
        part = lines[name][:, fields]
        lines[name][:, fields] = np.where(part < 0, part, part + np.repeat(by, counts[name])[:, None])

    moved("columns", [f.TILES, f.TILES_STOP], begins["tiles"])
    moved("tiles", [f.STATISTICS], list(accumulate((len(each.statistics) for each in nodes), initial=0))[:-1])
    moved("regions", [f.REGION_PLACES], begins["places"])
    moved("blocks", [f.REGION], begins["regions"])
    moved("blocks", [f.PARTS, f.PARTS_STOP], begins["parts"])
    walks: dict[Walk, int] = {}
    numbers = [np.array([walks.setdefault(walk, len(walks)) for walk in each.walks], np.int64) for each in nodes]
    lines["parts"][:, f.PART_WALK] = np.concatenate(
        [own[each.parts[:, f.PART_WALK]] for own, each in zip(numbers, nodes, strict=True)]
    )
    shapes = [8 * int(each.tiles[:, f.SHAPE].max() + 1) * int(each.node[f.SIZES]) for each in nodes]
    counts["nodes"], lines["nodes"] = [1] * len(nodes), np.stack([each.node for each in nodes])
    moved("nodes", [f.CHAIN], begins["regions"])
    firsts = begins["columns"], begins["runs"], begins["channels"], list(accumulate(shapes, initial=0))[:-1]
    lines["nodes"][:, [f.FIRST_COLUMN, f.FIRST_RUN, f.FIRST_CHANNEL, f.FIRST_COMMAND]] = np.transpose(firsts)
    return lines | {"numbers": np.full(sum(shapes), NOWHERE)}, list(walks), begins


def _numbered(visits: Int64Array, node: int, column: int, block: int) -> Int64Array:
    """The begin of a node and its visits, whose column tiles and blocks are numbered from some on."""
    found = np.full((len(visits) + 1, 3), NOWHERE, np.int64)
    found[:, f.VISIT_NODE] = node
    found[1:, f.VISIT_COLUMN], found[1:, f.VISIT_BLOCK] = visits[:, 0] + column, visits[:, 1] + block
    return found


def _chip(memory: MemoryMap, nodes: int) -> dict[str, Int64Array]:
    """The machine, and a chip with nothing on it."""
    machine, sizes = memory.machine, memory_sizes(memory.machine, memory.vectors)
    chip = np.zeros(f.CHIP_FIELDS, np.int64)
    chip[f.NEXT + at.TABLE], chip[[f.RESIDENT, f.SET_UP]] = 1, NOWHERE
    sizes[Space.PARAMETERS] = PARAMETER_BLOCKS
    return {
        "machine": np.array([*(sizes[each] for each in Space), machine.table_vectors, machine.vector_beats], np.int64),
        "chip": chip,
        "kept": np.zeros((at.SPACES, max(PARAMETER_BLOCKS, TABLE_ENTRIES, nodes) + 1, 4), np.int64),
    }


def _room(a: Arrays, visits: Int64Array) -> dict[str, Int64Array]:
    """Room for what visits make at most: a unit for each pass, and with each loads of weights and of table entries."""
    begins = a.nodes[visits[visits[:, f.VISIT_COLUMN] == NOWHERE, f.VISIT_NODE]]
    visits = visits[visits[:, f.VISIT_COLUMN] != NOWHERE]
    node, column, block = visits[np.argsort(visits[:, f.VISIT_NODE], kind="stable")].T
    passes = (a.columns[column, f.TILES_STOP] - a.columns[column, f.TILES]).astype(np.int64)
    passes = int((passes * (a.blocks[block, f.PARTS_STOP] - a.blocks[block, f.PARTS])).sum())
    region, alone, channels = a.blocks[block, f.REGION], a.nodes[node, f.ALONE], a.nodes[node, f.CHANNELS]
    enters = np.append(True, (np.diff(np.stack([region, column * alone])) != 0).any(axis=0))
    spans = (a.regions[:, f.LINES] * 2 + 1) * (a.regions[:, f.ENTRIES] // a.regions[:, f.PLANE])
    lines = np.where(a.regions[region, f.LINES] > 1, a.regions[region, f.LINES] * enters, 1) * channels
    chains = begins[begins[:, f.CHAIN] != NOWHERE, f.CHAIN]
    loads = 1 + 2 * passes + 2 * len(visits) + lines.sum() + enters.sum() + chains.size
    sizes = {
        "units": (passes, f.UNIT_FIELDS),
        "busy_start": (passes, at.BUSY),
        "busy_stop": (passes, at.BUSY),
        "passes": (passes, f.PASS_FIELDS),
        "loads": (loads, f.LOAD_FIELDS),
        "spans": (spans[region[enters]].sum() + spans[chains].sum(), f.SPAN_FIELDS),
        "stores": (len(visits), f.STORE_FIELDS),
        "commands": (a.numbers.size, f.COMMAND_FIELDS),
    }
    return {name: np.empty(size, np.int64) for name, size in sizes.items()}


def _outputs(group: Group, number: int) -> tuple[Node, int]:
    """A node, and vectors of its output that belong to images of groups before."""
    placed = group.nodes[number]
    return placed.node, group.first * len(placed.tiles.columns) * math.prod(placed.node.out_shape[1:])
