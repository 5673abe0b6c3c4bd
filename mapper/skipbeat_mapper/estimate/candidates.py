"""Which tactics a node could run with, ranked by what they cost at least."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from skipbeat_arch.graph import Node
from skipbeat_arch.instruction import INSTRUCTION_BYTES
from skipbeat_arch.machine import PARAMETER_VECTORS, Machine
from skipbeat_arch.tensor_layout import channel_blocks

from ..banks import Banks
from ..bounds import memory_clocks, tile_clocks
from ..node_mapping import NodeMapping, Order
from ..node_tiles import NodeTiles, node_tiles
from ..regions import Region, bank_entries, blocks, regions

#: Clocks beside the memory latency: from the start to the first vector, and from the last sum to the end.
START_CLOCKS, END_CLOCKS = 40, 40
#: Clocks in which the output stage takes nothing between two blocks.
STORE_CLOCKS = 24
#: What a clock of the memory counts for beside a clock of the run.
MOVED = 1 / 50


@dataclass(frozen=True, eq=False)
class Candidate:
    """A tactic with the regions and blocks that follow from it."""

    tactic: NodeMapping
    node: Node
    machine: Machine
    banks: Banks
    tiles: NodeTiles
    regions: tuple[Region, ...]

    @cached_property
    def blocks(self) -> list[int]:
        """Sums of each block before pooling, region by region."""
        window = self.node.window.kernel
        return [
            (rows[1] - rows[0]) * (columns[1] - columns[0]) * window[0] * window[1]
            for region in self.regions
            for rows, columns in blocks(region, self.node, self.machine, self.tactic.pixels)
        ]

    @property
    def signature(self) -> tuple[object, ...]:
        """Candidates with equal signatures run alike."""
        order = self.tactic.order if len(self.blocks) > 1 and len(self.tiles.columns) > 1 else Order.WEIGHTS
        if order == Order.COLUMNS and len(self.regions) == 1:
            order = Order.WEIGHTS
        return order, tuple(self.blocks), tuple(region.rows + region.columns for region in self.regions)

    @property
    def passes(self) -> int:
        """Passes of the program."""
        return len(self.blocks) * sum(max(len(column), 1) for column in self.tiles.columns)

    @cached_property
    def cycles(self) -> int:
        """What it takes at least: its largest bound, and what comes before, between and after its steps."""
        bound = max(self._compute(), self._decoder(), self._output(), self.memory)
        return bound + self._loaded() + self._ends() + self._stalls()

    @property
    def rank(self) -> float:
        """Cycles, and of two that are nearly as quick the one that moves less.

        Between equal ones it counts how closely the first column tile follows the loads of its region.
        """
        whole, first = self._region_clocks()
        close = 0.5 if self.tactic.order == Order.ACTIVATIONS else min(1.0, whole / max(first, 1))
        return self.cycles + MOVED * self.memory + close

    @property
    def mixed(self) -> bool:
        """Whether memory and array are busy alike, so that it matters how they overlap."""
        compute = self._compute()
        return compute < 2 * self.memory and self.memory < 2 * compute

    def _compute(self) -> int:
        steps = sum(max(sum(tile.statistics.beat for tile in column), 1) for column in self.tiles.columns)
        return steps * sum(self.blocks)

    def _decoder(self) -> int:
        """Every block decodes all tiles, but for one that is still there where blocks follow each other."""
        every = [[tile_clocks(tile.statistics, self.machine) for tile in column] for column in self.tiles.columns]
        kept = 0 if self.tactic.order == Order.ACTIVATIONS else len(self.blocks) - len(self.regions)
        return sum(sum(column) * len(self.blocks) - max(column, default=0) * kept for column in every)

    def _output(self) -> int:
        hw, columns = self.machine.hw, len(self.tiles.columns)
        return columns * (sum(self.blocks) * (hw.array.cols // hw.outputs.lanes) + len(self.blocks) * STORE_CLOCKS)

    def _weight_vectors(self) -> int:
        room, words = self.machine.weight_depth, [sum(t.words for t in column) for column in self.tiles.columns]
        if sum(words) <= room:
            return sum(words)
        total = 0
        for count in words:
            if count > room // 2 or self.tactic.order == Order.ACTIVATIONS:
                total += count * len(self.blocks)
            else:
                total += count * (1 if self.tactic.order == Order.COLUMNS else len(self.regions))
        return total

    @cached_property
    def memory(self) -> int:
        """The least clocks of everything that is moved."""
        conv = self.node.convolution
        loads = sum(
            region.real * (last - first) for region in self.regions for first, last in [region.real_lines(conv)]
        )
        turns = len(self.tiles.columns) if self.tactic.order == Order.COLUMNS and len(self.regions) > 1 else 1
        read = self._weight_vectors() + loads * self.banks.blocks * turns + PARAMETER_VECTORS * len(self.tiles.columns)
        window = self.node.window.kernel
        written = sum(self.blocks) // (window[0] * window[1]) * channel_blocks(conv.c_out, self.machine.vector)
        vector = self.machine.vector
        return memory_clocks(self.machine, read * vector + self.passes * INSTRUCTION_BYTES, written * vector)

    def _loaded(self) -> int:
        """Clocks for what the first block needs of one plane, before it can start."""
        machine, region = self.machine, self.regions[0]
        area = (region.rows[1] - region.rows[0]) * (region.columns[1] - region.columns[0])
        share = min(1.0, self.blocks[0] / max(area, 1) + self.node.convolution.kernel[0] / max(region.lines, 1))
        blocks_of_plane = min(self.banks.blocks, max(self.banks.period // self.banks.bundles, 1))
        return int(region.real * region.lines * share) * blocks_of_plane * machine.vector_beats

    def _ends(self) -> int:
        """The memory's latency, and the last block's way into memory."""
        latency = 2 * self.machine.hw.memory.latency_clocks + START_CLOCKS + END_CLOCKS
        return self.blocks[-1] * self.machine.vector_beats + latency

    def _region_clocks(self) -> tuple[int, int]:
        """Clocks to load the first region, and steps of the first column tile in it."""
        region = self.regions[0]
        whole = region.real * region.lines * self.banks.blocks * self.machine.vector_beats
        steps = sum(tile.statistics.beat for column in self.tiles.columns[:1] for tile in column)
        return whole, steps * (sum(self.blocks) // len(self.regions))

    def _stalls(self) -> int:
        """Clocks in which a region is loaded and nothing else can be done.

        The first column tile waits for all of the first region or, where every block runs through all column tiles,
        the first block for all weights. Where two regions do not fit, the next one is loaded while the last column tile
        still uses the present one.
        """
        if not self.tiles.columns:
            return 0
        turns = len(self.regions)
        whole, first = self._region_clocks()
        last = sum(tile.statistics.beat for tile in self.tiles.columns[-1]) * (sum(self.blocks) // turns)
        if not self.machine.duplex:  # what the column tile writes has to share the memory
            whole += sum(self.blocks) // turns * self.machine.vector_beats
        stall = max(0, whole - self._loaded() - first)
        if self.tactic.order == Order.ACTIVATIONS:
            stall = max(
                0, self.tiles.words * self.machine.vector_beats - self._compute() * self.blocks[0] // sum(self.blocks)
            )
        if 2 * max(region.entries for region in self.regions) > bank_entries(self.machine):
            stall += (turns - 1) * max(whole - last, self._loaded())
        return stall


def one_candidate(node: Node, machine: Machine, tactic: NodeMapping) -> Candidate:
    """A node with a tactic that is given.

    Raises:
        InputError: the node does not fit the hardware.
    """
    banks = Banks.of(node.convolution.c_in, machine)
    areas = tuple(regions(node, machine, banks.planes, share=tactic.share))
    return Candidate(tactic, node, machine, banks, node_tiles(node, banks, machine), areas)


def candidates(node: Node, machine: Machine, banks: Banks, tiles: NodeTiles) -> list[Candidate]:
    """All that differ, the most promising first.

    Raises:
        InputError: the node does not fit the hardware.
    """
    found: dict[tuple[object, ...], Candidate] = {}
    for share in (2, 1):
        areas = tuple(regions(node, machine, banks.planes, share=share))
        for pixels in (None, *_block_sizes(tiles, machine)):
            for order in (Order.ACTIVATIONS, Order.WEIGHTS, Order.COLUMNS):
                if order == Order.ACTIVATIONS and tiles.words > machine.weight_depth:
                    continue  # weights would be loaded for every block
                tactic = NodeMapping(order=order, pixels=pixels, share=share)
                candidate = Candidate(tactic, node, machine, banks, tiles, areas)
                found.setdefault(candidate.signature, candidate)
        if len(areas) == 1:
            break
    return sorted(found.values(), key=lambda each: each.rank)


def _block_sizes(tiles: NodeTiles, machine: Machine) -> tuple[int, int]:
    """Small blocks whose passes still take longer than the next tile's way into the array."""
    distinct = {id(tile.statistics): tile.statistics for column in tiles.columns for tile in column}.values()
    longest = max((-(-tile_clocks(tile, machine) // tile.beat) for tile in distinct), default=1)
    size = 1 << longest.bit_length()
    return size, 2 * size
