"""A mapping that a node could run with, in its place in a network, and what it costs at least."""

from __future__ import annotations

import dataclasses
from copy import copy
from dataclasses import dataclass
from functools import cached_property

from skipbeat_arch.depths import PLACED_VECTORS, output_clocks
from skipbeat_arch.graph import Node
from skipbeat_arch.instruction import INSTRUCTION_BYTES
from skipbeat_arch.machine import PARAMETER_VECTORS, Machine
from skipbeat_arch.tensor_layout import channel_blocks

from .bounds import memory_clocks
from .memory_map import Group, MemoryMap, PlacedNode
from .placing.node_mapping import NodeMapping, Order
from .placing.regions import bank_entries, block_sizes, blocks_apart, regions
from .tiles.node_tiles import NodeTiles
from .tiles.offset_tables import node_tables

#: Clocks beside the memory latency: from the start to the first vector, and from the last sum to the end.
START_CLOCKS, END_CLOCKS = 40, 40
#: Clocks in which the output stage takes nothing between two blocks.
STORE_CLOCKS = 24
#: What a clock of the memory counts for beside a clock of the run.
MOVED = 1 / 50
#: What a pass counts for there: another instruction to fetch, and another tile to decode.
PASS = 1 / 8


@dataclass(frozen=True, eq=False)
class Candidate:
    """A node with one of its mappings.

    Attributes:
        memory: the network around it.
        turn: numbers of the nodes that run at the same time, this one among them.
        number: of the node. placed: the node with the mapping, in the first group of images.
        exact: clocks of the turn alone, once the timing model has been asked.
    """

    memory: MemoryMap
    turn: tuple[int, ...]
    number: int
    placed: PlacedNode
    exact: int | None = None

    def with_mapping(self, mapping: NodeMapping) -> Candidate | None:
        """The same node with another mapping; None if its regions have no room there."""
        placed, node, machine = self.placed, self.node, self.machine
        areas = placed.regions
        before = placed.mapping
        apart = any(blocks_apart(node, each) for each in (mapping, before))
        if placed.input is None and (apart or mapping.share != before.share):
            banks = placed.banks
            areas = tuple(regions(node, machine, banks.loaded, placed.images, mapping=mapping, turns=banks.turns))
            first, stop = placed.gap
            if max(region.entries for region in areas) > stop - first:
                return None
        tables = placed.tables
        if areas is not placed.regions:
            tables = node_tables(node, placed.tiles, areas)
        placed = dataclasses.replace(placed, mapping=mapping, regions=areas, tables=tables)
        return dataclasses.replace(self, placed=placed, exact=None)

    def on(self, machine: Machine) -> Candidate:
        """The same on a machine whose memory may have another latency; what else is known of it stays known."""
        other = copy(self)
        vars(other).update(memory=dataclasses.replace(self.memory, machine=machine), exact=None)
        return other

    @property
    def node(self) -> Node:
        """The node."""
        return self.placed.node

    @property
    def machine(self) -> Machine:
        """The hardware."""
        return self.memory.machine

    @property
    def tiles(self) -> NodeTiles:
        """The node's tiles."""
        return self.placed.tiles

    @property
    def slices(self) -> bool:
        """Whether its channel blocks are loaded one at a time."""
        return self.placed.banks.slices and self.placed.input is None

    @property
    def order(self) -> Order:
        """Of the loops."""
        return self.placed.mapping.order

    @property
    def group(self) -> Group:
        """The first group of images with this node in it."""
        group = self.memory.groups[0]
        nodes = list(group.nodes)
        nodes[self.number] = self.placed
        return dataclasses.replace(group, nodes=tuple(nodes))

    @cached_property
    def blocks(self) -> list[int]:
        """Sums of each block before pooling, region by region."""
        (high, wide), pixels = self.node.window.kernel, self.placed.mapping.pixels
        return [
            size * high * wide * region.images
            for region in self.placed.regions
            for size in block_sizes(region, self.node, self.machine, pixels)
        ]

    @property
    def signature(self) -> tuple[object, ...]:
        """Candidates of a node with equal signatures run alike."""
        areas, order = self.placed.regions, self.order
        if len(self.blocks) == 1 or len(self.tiles.columns) == 1:
            order = Order.WEIGHTS
        if order == Order.COLUMNS and len(areas) == 1:
            order = Order.WEIGHTS
        return order, tuple(self.blocks), tuple(region.rows + region.columns for region in areas)

    @property
    def passes(self) -> int:
        """Passes of the program."""
        return len(self.blocks) * sum(max(len(column), 1) for column in self.tiles.columns)

    @property
    def cycles(self) -> int:
        """What it takes at least: its largest bound, and what comes before, between and after its steps."""
        return self._own_cycles + self._latency

    @cached_property
    def bound(self) -> int:
        """Its largest bound; among other nodes, with which it shares its ends, no program takes less."""
        return max(self.steps, self._decoder(), self._output(), self.moved)

    @property
    def least(self) -> int:
        """Clocks than which no program of the node takes fewer: those of the array, and of what is moved."""
        return max(self.steps, self.moved)

    @cached_property
    def _own_cycles(self) -> int:
        """Of its cycles those in which nobody waits for the memory's latency."""
        return self.bound + self._loaded() + self._ends() + self._stalls()

    @property
    def _latency(self) -> int:
        """Clocks from the first address to the first vector, and from the last vector to its response."""
        return 2 * self.machine.hw.memory.latency_clocks

    @property
    def rank(self) -> float:
        """Cycles, and of two that are nearly as quick the one that moves less in fewer passes.

        Between equal ones it counts how closely the first column tile follows the loads of its region.
        """
        return self.own_rank + self._latency

    @cached_property
    def own_rank(self) -> float:
        """The rank without the latency, which is the same for all mappings of all nodes."""
        whole, first = self._region_clocks()
        close = 0.5 if self.order == Order.ACTIVATIONS else min(1.0, whole / max(first, 1))
        return self._own_cycles + MOVED * self.moved + PASS * self.passes + close

    @property
    def mixed(self) -> bool:
        """Whether memory and array are busy alike, so that it matters how they overlap."""
        compute = self.steps
        return compute < 2 * self.moved and self.moved < 2 * compute

    @cached_property
    def steps(self) -> int:
        """Of the array; no program of the node takes fewer clocks."""
        return sum(max(steps, 1) for steps in self.tiles.steps) * sum(self.blocks)

    def _decoder(self) -> int:
        """Every block decodes all tiles, but for one that is still there where blocks follow each other."""
        kept = 0 if self.order == Order.ACTIVATIONS else len(self.blocks) - len(self.placed.regions)
        return sum(every * len(self.blocks) - longest * kept for every, longest in self.tiles.decoding)

    def _output(self) -> int:
        (high, wide), columns = self.node.window.kernel, len(self.tiles.columns)
        each = output_clocks(self.machine.hw, high * wide, vectors=PLACED_VECTORS if self.node.places else 1)
        return columns * (sum(self.blocks) // (high * wide) * each + len(self.blocks) * STORE_CLOCKS)

    def _weight_vectors(self) -> int:
        room, words = self.machine.weight_depth, self.tiles.column_words
        if sum(words) <= room:
            return sum(words)
        total = 0
        for count in words:
            if count > room // 2 or self.order == Order.ACTIVATIONS:
                total += count * len(self.blocks)
            else:
                total += count * (1 if self.order == Order.COLUMNS else len(self.placed.regions))
        return total

    def _region_vectors(self) -> int:
        """Vectors that all regions load; none if the node before wrote them on the chip."""
        if self.placed.input is not None:
            return 0
        spans = ((region.real, region.real_lines(self.node.convolution)) for region in self.placed.regions)
        return self.placed.banks.blocks * sum(real * (last - first) for real, (first, last) in spans)

    @cached_property
    def moved(self) -> int:
        """The least clocks of everything that is moved."""
        placed, vector = self.placed, self.machine.vector
        several = self.order == Order.COLUMNS and len(placed.regions) > 1 and not self.slices
        turns = len(self.tiles.columns) if several else 1
        window = self.node.window.kernel
        outputs = sum(self.blocks) // (window[0] * window[1]) * channel_blocks(self.node.convolution.c_out, vector)
        read = self._weight_vectors() + self._region_vectors() * turns + PARAMETER_VECTORS * len(self.tiles.columns)
        read += outputs if self.node.residual is not None else 0
        written = outputs if placed.writes else 0
        return memory_clocks(self.machine, read * vector + self.passes * INSTRUCTION_BYTES, written * vector)

    def _loaded(self) -> int:
        """Clocks for what the first block needs of one plane, before it can start."""
        placed, machine, region = self.placed, self.machine, self.placed.regions[0]
        if placed.input is not None:
            return 0
        area = (region.rows[1] - region.rows[0]) * (region.columns[1] - region.columns[0])
        halo = self.node.convolution.kernel[0] / region.lines if region.lines > 1 else 0.0
        share = min(1.0, self.blocks[0] / max(area, 1) + halo)
        blocks_of_plane = min(placed.banks.blocks, max(placed.banks.period // placed.banks.bundles, 1))
        return int(region.real * region.lines * share) * blocks_of_plane * machine.vector_beats

    def _ends(self) -> int:
        """Before the first vector and after the last sum, and the last block's way into memory for the next node."""
        last = 0 if self.placed.output else self.blocks[-1] * self.machine.vector_beats
        return last + START_CLOCKS + END_CLOCKS

    def _region_clocks(self) -> tuple[int, int]:
        """Clocks to load the first region, and steps of the first column tile in it."""
        placed, region = self.placed, self.placed.regions[0]
        channels = placed.banks.blocks // placed.banks.turns
        whole = region.real * region.lines * channels * self.machine.vector_beats
        steps = sum(self.tiles.steps[:1]) * (sum(self.blocks) // len(placed.regions))
        return 0 if placed.input else whole, steps

    def _stalls(self) -> int:
        """Clocks in which a region is loaded and nothing else can be done.

        The first column tile waits for all of the first region or, where every block runs through all column tiles,
        the first block for all weights. Where two regions do not fit, the next one is loaded while the last column tile
        still uses the present one, but for entries that this one does not have.
        """
        if not self.tiles.columns:
            return 0
        areas, turns = len(self.placed.regions), len(self.placed.regions) * self.placed.banks.turns
        whole, first = self._region_clocks()
        last = self.tiles.steps[-1] * (sum(self.blocks) // areas)
        if not self.machine.duplex:  # what the column tile writes has to share the memory
            whole += sum(self.blocks) // areas * self.machine.vector_beats if self.placed.writes else 0
        stall = max(0, whole - self._loaded() - first)
        if self.order == Order.ACTIVATIONS:
            stall = max(
                0, self.tiles.words * self.machine.vector_beats - self.steps * self.blocks[0] // sum(self.blocks)
            )
        entries, room = max(region.entries for region in self.placed.regions), bank_entries(self.machine)
        if 2 * entries > room:
            again = max(whole - last, self._loaded())
            if blocks_apart(self.node, self.placed.mapping):
                again = again * (2 * entries - room) // entries
            stall += (turns - 1) * again
        return stall
