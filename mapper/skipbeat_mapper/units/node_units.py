"""Makes the units of one node, with everything in its place on the chip."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from skipbeat_arch.command import Command

from ..memory_map import Group, MemoryMap
from ..placing.regions import MAX_WINDOW, Region, Span, blocks_apart, one_row, split
from ..tiles.column_tiles import Placed
from .activation_loads import Lines, clear
from .column_blocks import ColumnBlock, visits
from .on_chip import OnChip
from .pass_runs import PassRun
from .stores import Stores
from .table_loads import TableLoads
from .unit import Clear, Load, PassOp, StoreOp, Unit, Walk, walk_of
from .weight_loads import WeightLoads


@dataclass(frozen=True, kw_only=True)
class _Block:
    """Pixels of one accumulation.

    Attributes:
        region: where their activations are.
        start: entry of the first pixel's first tap in plane 0.
        walk: of every pass.
        least: the fewest pixels of a pass for the same output pixels.
    """

    region: Region
    start: int
    walk: Walk
    least: int


class NodeUnits:
    """Makes the units of one node."""

    def __init__(self, chip: OnChip, memory: MemoryMap, group: Group, number: int, before: int) -> None:
        prepared = group.nodes[number]
        self._chip, self._group, self._number, self.prepared = chip, group, number, prepared
        self._node, self._machine, self._run = prepared.node, memory.machine, before + number
        self._tables = TableLoads(prepared, chip, memory.machine)
        self._blocks: dict[tuple[int, Span, Span], list[_Block]] = {}
        self._weights = WeightLoads(prepared, chip)
        self._stores = Stores(prepared, chip, group)
        self._waiting: list[Load | Clear] = []
        if prepared.output is not None:
            chain = prepared.output
            self._waiting += clear(chain.region, chain.base, group.nodes[chain.reader])
        #: The region in the banks, and the first of the channel blocks that it holds.
        self._entered: tuple[Region, int] | None = None
        self._base = 0
        self._lines: Lines | None = None
        #: Lines of the output.
        self.height = self._node.out_shape[1]

    @cached_property
    def visits(self) -> list[ColumnBlock]:
        """All visits in their order."""
        return list(visits(self.prepared, self._machine))

    @property
    def places(self) -> Hashable:
        """Where what comes next will lie, but for parameters."""
        chip = self._chip
        return chip.weights.next, chip.activations.next, chip.residual.next, chip.table.next

    def ring(self, column: int) -> int:
        """Where the parameters of a column tile that comes next will lie, in blocks."""
        return self._stores.place(column)

    @property
    def state(self) -> Hashable:
        """What is still on the chip and where, of parameters from the next ones on."""
        chip = self._chip
        others = chip.weights.kept, chip.table.kept, chip.tile, self._weights.state, self._stores.state
        return self.places, chip.parameters.from_next, others

    @property
    def streams(self) -> bool:
        """Whether weights come anew for every visit of a column tile."""
        return self._weights.streams

    def skip(self, column: int) -> None:
        """Goes on with a column tile; those left out before it are like the ones that were made."""
        self._stores.skip(column)

    def units(self, visit: ColumnBlock) -> Iterator[Unit]:
        """The units of a visit; visits come in their order, and all units of one are taken before the next one."""
        channels = self._channels(visit.column)
        if (visit.region, channels[0]) != self._entered:
            self._entered = visit.region, channels[0]
            self._base, self._lines, zeros = self._enter(visit.region, channels)
            self._blocks.clear()
            self._waiting += zeros
        # Loads between local stores would have to wait for each of them: then all lines come at once.
        wanted = visit.region if self.prepared.output is not None else visit
        key = self._base, visit.rows, visit.columns
        if key not in self._blocks:
            self._blocks[key] = list(self._accumulations(self._block(visit.region, *key)))
        store, loads = self._stores.store(visit.column, visit.rows, visit.columns)
        first: StoreOp | None = store
        for block in self._blocks[key]:
            for passes, table, others in self._accumulate(block, visit.column):
                lines = self._lines.needed(wanted.rows, wanted.columns) if self._lines else ()
                every = (*table, *self._waiting, *lines, *others, *loads)
                yield Unit(node=self._run, walk=block.walk, passes=passes, loads=every, store=first)
                self._waiting, loads, first = [], [], None

    def lines(self, visit: ColumnBlock) -> int:
        """Lines of its input's map, from the top, that a visit needs."""
        conv, pool = self._node.convolution, self._node.window
        last = ((visit.rows[1] - 1) * pool.stride[0] + pool.kernel[0] - 1) * conv.stride[0]
        return min(conv.height, max(0, last + (conv.kernel[0] - 1) * conv.dilation[0] + 1 - conv.padding[0]))

    def _channels(self, column: int) -> range:
        """The channel blocks that are in the banks while a column tile is computed."""
        banks = self.prepared.banks
        loaded_alone = banks.slices and self.prepared.input is None
        return range(column, column + 1) if loaded_alone else range(banks.blocks)

    def _enter(self, region: Region, channels: range) -> tuple[int, Lines | None, list[Clear]]:
        """Where a region lies, the loads of its lines (none if the node before wrote them there) and its zeros."""
        prepared = self.prepared
        if prepared.input is not None:
            return prepared.input.base, None, []
        apart = blocks_apart(self._node, prepared.mapping)
        base = self._chip.activations.take(region.entries, prepared.gap, apart=apart)
        lines = Lines(prepared, region, base, self._group.tensors[self._node.input], channels)
        return base, lines, clear(region, base, prepared)

    def _block(self, region: Region, base: int, rows: Span, columns: Span) -> _Block:
        conv, pool, images = self._node.convolution, self._node.window, region.images
        down = conv.stride[0] * pool.stride[0] // region.line_step * region.pitch
        across = conv.stride[1] * pool.stride[1] * images
        start = base + (rows[0] - region.rows[0]) * down + (columns[0] - region.columns[0]) * across
        walk = self._walk(region, (rows[1] - rows[0], columns[1] - columns[0]), down, across)
        return _Block(region=region, start=start, walk=walk, least=walk.items)

    def _accumulations(self, block: _Block) -> Iterator[_Block]:
        """A block, or parts of it where one pooling window has more pixels than the accumulators or a loop hold."""
        counts, (across, down, *_) = block.walk.counts, block.walk.steps
        most = min(self._machine.hw.accumulators.depth, MAX_WINDOW)
        if counts[2:] != (1, 1) or (block.walk.items <= self._machine.hw.accumulators.depth and max(counts) <= most):
            yield block
            return
        for row in range(counts[1]):
            for first, stop in split(counts[0], most):
                walk = walk_of((stop - first, 1, 1, 1), block.walk.steps)
                start, least = block.start + row * down + first * across, counts[0] // -(-counts[0] // most)
                yield _Block(region=block.region, start=start, walk=walk, least=least)

    def _walk(self, region: Region, size: Span, down: int, across: int) -> Walk:
        """The loops over `size` (rows, columns) of outputs: the images of a pixel are inside its column."""
        conv, (high, wide), images = self._node.convolution, self._node.window.kernel, region.images
        line = conv.stride[0] * region.pitch if high > 1 else 0
        if images == 1 or (across == images and (high, wide) == (1, 1)):
            counts = wide, high, size[1] * images, size[0]
            return walk_of(counts, (conv.stride[1], line, across // images, down))
        if not one_row(self._node, images):
            return walk_of((1, images, size[1], size[0]), (0, 1, across, down))
        return walk_of((wide, high, images, size[1]), (conv.stride[1] * images, line, 1, across))

    def _accumulate(self, block: _Block, column: int) -> Iterator[tuple[Sequence[PassOp], list[Load], list[Load]]]:
        """The passes of a block in a column tile, and before them loads of table entries and of weights.

        They come together, or in several turns if the weights or table entries come in parts.
        """
        tiles = left = len(self.prepared.tiles.columns[column])
        for piece, table, weights in self._pieces(block, column):
            yield self._run_of(block, column, piece, first=left == tiles, last=left == len(piece)), table, weights
            left -= len(piece)
        if not tiles:
            outputs = self.prepared.tiles.outputs[column]
            null = Command(pixels=block.walk.items, beat=0, rows=0, cols=outputs, load=False)
            yield (PassOp(command=null),), [], []

    def _pieces(self, block: _Block, column: int) -> Iterator[tuple[Sequence[Placed], list[Load], list[Load]]]:
        """Tiles in the order of their passes, with the loads of table entries and of weights before each piece."""
        for part, weights in self._weights.parts(column, block.least):
            for piece, table in self._tables.pieces(block.region, column, part):
                yield piece, table, weights
                weights = []

    def _run_of(self, block: _Block, column: int, piece: Sequence[Placed], *, first: bool, last: bool) -> PassRun:
        """The passes of tiles: the `first`, the `last` ones of a block. The array may still hold the first tile."""
        weights = self.prepared.weights_at
        load = self._chip.enter((weights, column, piece[0].tile.number))
        self._chip.enter((weights, column, piece[-1].tile.number))
        return PassRun(
            tiles=piece,
            column=self.prepared.tiles.by_place[column],
            places=self.prepared.tables.places(block.region, column),
            start=block.start,
            pixels=block.walk.items,
            reach=block.walk.reach,
            table=self._tables.start(block.region, column, piece),
            first=first,
            last=last,
            load=load,
        )
