"""What the units of a node are made of, as arrays of numbers: its tiles, regions and blocks, and where they lie."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.machine import PARAMETER_BLOCKS, Machine
from skipbeat_arch.tile import TileStatistics

from ..memory_map import Group, PlacedNode
from ..order.places import NOWHERE
from ..placing.node_mapping import Order
from ..placing.regions import MAX_WINDOW, Region, Span, blocks, blocks_apart, one_row, split
from ..tiles.offset_tables import region_kind
from .making import fields as f
from .on_chip import memory_sizes
from .units import Space, Walk

#: Counts or steps of a walk.
Loops = tuple[int, int, int, int]


class NodeArrays(NamedTuple):
    """A node's lines of `making.fields.Arrays`, all int64; those of each array are numbered from its own first one on.

    Attributes:
        node, columns, tiles, places, runs, regions, channels, blocks, parts: these lines.
        walks: the different ones, by their numbers in `parts`.
        visits: column tile and block of each, in the order of its mapping, int64 [visits, 2].
        rows: of its output with which each block begins, and of its input above those that it does not need,
            int64 [blocks, 2].
        statistics: of tiles, by their numbers.
    """

    node: Int64Array
    columns: Int64Array
    tiles: Int64Array
    places: Int64Array
    runs: Int64Array
    regions: Int64Array
    channels: Int64Array
    blocks: Int64Array
    parts: Int64Array
    walks: list[Walk]
    visits: Int64Array
    rows: Int64Array
    statistics: Sequence[TileStatistics]


def node_arrays(group: Group, number: int, machine: Machine) -> NodeArrays:
    """The lines of a node of a group of images, but for its number among all nodes."""
    return _Node(group, number, machine).arrays()


class _Node:
    def __init__(self, group: Group, number: int, machine: Machine) -> None:
        self._group, self._machine, self._placed = group, machine, group.nodes[number]
        self._node, self._tiles = self._placed.node, self._placed.tiles
        self._walks = dict[Walk, int]()
        self._sizes = dict[int, int]()

    def arrays(self) -> NodeArrays:
        """All of them."""
        placed, node, table = self._placed, self._node, self._tiles.table
        places, begins = placed.tables.places
        lines = [self._region(each, placed, begins[region_kind(each)]) for each in placed.regions]
        if placed.output:
            lines.append(self._region(placed.output.region, self._group.nodes[placed.output.reader], 0))
        areas = [tuple(blocks(each, node, self._machine, placed.mapping.pixels)) for each in placed.regions]
        spans = [(region, *rows, *columns) for region, area in enumerate(areas) for rows, columns in area]
        regions, area = np.array(lines, np.int64), np.array(spans, np.int64)
        counts, parts = self._parts(area)
        ends = np.cumsum(counts)
        return NodeArrays(
            node=self._line(),
            columns=self._columns(),
            tiles=np.stack([table.cells, table.words, table.at, table.number, table.shape, table.beat], axis=1),
            places=places,
            runs=np.array([(*run, 0) for run in placed.tables.runs], np.int64).reshape(-1, 3),
            regions=regions,
            channels=np.array([_place(placed, block) for block in range(placed.banks.blocks)], np.int64),
            blocks=np.column_stack(
                [area[:, 0], *self._outputs(area, regions), ends - counts, ends, *self._local(area)]
            ),
            parts=parts,
            walks=list(self._walks),
            visits=_visits(placed, [len(each) for each in areas]),
            rows=np.column_stack([area[:, 1], self._lines(area)]),
            statistics=table.statistics,
        )

    def _line(self) -> Int64Array:
        """The node itself."""
        placed, node, tensors, sizes = self._placed, self._node, self._group.tensors, memory_sizes(self._machine, 0)
        line, conv, count = np.zeros(f.NODE_FIELDS, np.int64), node.convolution, len(self._tiles.columns)
        (_, height, width), window, chain = node.out_shape, node.window.kernel, placed.output
        line[[f.WEIGHTS_AT, f.WORDS, f.TOGETHER]] = placed.weights_at, self._tiles.words, placed.banks.slices
        line[f.ALL_WEIGHTS] = self._tiles.words <= sizes[Space.WEIGHTS]
        line[[f.PARAMETERS_AT, f.COLUMNS, f.ALL_PARAMETERS]] = placed.parameters_at, count, count <= PARAMETER_BLOCKS
        line[[f.TABLE_AT, f.RUNS]] = placed.table_at, len(placed.tables.runs)
        line[f.INPUT] = placed.input.base if placed.input else NOWHERE
        line[f.INPUT_AT] = tensors.get(node.input, NOWHERE)
        line[[f.INPUT_BLOCK, f.CHANNELS]] = conv.height * conv.width * placed.images, placed.banks.blocks
        line[[f.ALONE, f.APART]] = placed.banks.slices and not placed.input, blocks_apart(node, placed.mapping)
        line[[f.GAP_START, f.GAP_STOP]] = placed.gap
        line[f.OUTPUT_AT] = tensors[node.output] if placed.writes else NOWHERE
        line[[f.SCALE, f.OUTPUT_BLOCK, f.POOL]] = node.vectors, height * width * placed.images, window[0] * window[1]
        line[f.RESIDUALS_AT] = tensors[node.residual] if node.residual is not None else NOWHERE
        line[[f.CHAIN, f.CHAIN_AT]] = (len(placed.regions), chain.base) if chain else (NOWHERE, NOWHERE)
        line[f.SIZES] = len(self._sizes)
        return line

    def _columns(self) -> Int64Array:
        """The column tiles."""
        tiles, chain, kinds = self._tiles, self._placed.output, np.array(self._tiles.kinds, np.int64)
        found = np.zeros((kinds.size, f.COLUMN_FIELDS), np.int64)
        found[:, f.TILES], found[:, f.TILES_STOP] = tiles.table.begins[kinds], tiles.table.begins[kinds + 1]
        found[:, f.WORDS_AT], found[:, f.PLACES_AT] = tiles.at, self._placed.tables.begins
        found[:, f.COLUMN_WORDS], found[:, f.LONGEST] = tiles.column_words, tiles.table.longest[kinds]
        if chain:
            reader = self._group.nodes[chain.reader]
            found[:, [f.OUT_PLANE, f.OUT_BANK, f.OUT_PERIOD]] = [_place(reader, each) for each in range(kinds.size)]
        return found

    def _region(self, region: Region, reader: PlacedNode, places: int) -> tuple[int, ...]:
        """A region of the node that reads it, whose tiles' places begin with `places`."""
        conv, images = reader.node.convolution, region.images
        lines, line = region.real_lines(conv), conv.width * images
        sizes = region.entries, region.plane, region.pitch, region.lines, *lines, region.lead, region.real
        first = (region.top - conv.padding[0]) * line + (region.left - conv.padding[1]) * images + region.lead
        whole = region.line_step == 1 and region.real == line
        return *sizes, whole, first, region.line_step * line, places

    def _outputs(self, area: Int64Array, regions: Int64Array) -> tuple[Int64Array, Int64Array, Int64Array]:
        """Of blocks what they need of their region, their outputs, and the first of these in their column tile.

        Args:
            area: their regions, and rows and columns from-to, int64 [blocks, 5].
            regions: their lines.
        """
        placed, number, (top, bottom, left, right) = self._placed, area[:, 0], area[:, 1:].T
        images, ends = placed.images, (bottom, right)
        if placed.output:  # loads between local stores would have to wait for each of them: all lines come at once
            ends = tuple(np.array([(r.rows[1], r.columns[1]) for r in placed.regions])[number].T)
        tops, lefts, step = np.array([(r.top, r.left, r.line_step) for r in placed.regions])[number].T
        rows, columns = (self._window(end, axis) for axis, end in enumerate(ends))
        line = np.minimum(regions[number, f.REAL_STOP], -((tops - rows) // step))
        entry = (columns - lefts) * images - regions[number, f.LEAD]
        needed = np.where(regions[number, f.LINES] == 1, entry, line)
        return needed, (bottom - top) * (right - left) * images, (top * self._node.out_shape[2] + left) * images

    def _window(self, ends: Int64Array, axis: int) -> Int64Array:
        """The end of what outputs up to `ends` need of the padded input along an axis."""
        conv, pool = self._node.convolution, self._node.window
        last = ((ends - 1) * pool.stride[axis] + pool.kernel[axis] - 1) * conv.stride[axis]
        return last + (conv.kernel[axis] - 1) * conv.dilation[axis] + 1

    def _lines(self, area: Int64Array) -> Int64Array:
        """Lines of the input's map, from the top, that blocks need."""
        conv = self._node.convolution
        return np.clip(self._window(area[:, 2], 0) - conv.padding[0], 0, conv.height)

    def _local(self, area: Int64Array) -> Int64Array:
        """Of blocks the first entry in the region of the output, the width there and the entries to the last one."""
        chain, (top, bottom, left, right) = self._placed.output, area[:, 1:].T
        if chain is None:
            return np.zeros((3, len(area)), np.int64)
        region, padding = chain.region, self._group.nodes[chain.reader].node.convolution.padding[0]
        across = (right - left) * region.images
        first = (top + padding) * region.pitch + region.lead + left * region.images
        return np.stack([first, across, (bottom - top - 1) * region.pitch + across])

    def _parts(self, area: Int64Array) -> tuple[Int64Array, Int64Array]:
        """How many parts each block has, and their lines."""
        conv, pool, regions = self._node.convolution, self._node.window, self._placed.regions
        step, images, (number, top, bottom, left, right) = regions[0].line_step, regions[0].images, area.T
        across = conv.stride[1] * pool.stride[1] * images
        first = np.array([(r.rows[0], r.columns[0]) for r in regions])[number]
        down = conv.stride[0] * pool.stride[0] // step * np.array([r.pitch for r in regions])[number]
        start = (top - first[:, 0]) * down + (left - first[:, 1]) * across
        shapes = dict[tuple[int, int, int], int]()
        keys = zip(number.tolist(), (bottom - top).tolist(), (right - left).tolist(), strict=True)
        of = [shapes.setdefault((regions[r].pitch, rows, columns), len(shapes)) for r, rows, columns in keys]
        own = [list(self._accumulations(pitch, (rows, columns))) for pitch, rows, columns in shapes]
        counts = np.array([len(each) for each in own], np.int64)[of]
        lines = np.array([line for shape in of for line in own[shape]], np.int64)
        lines[:, f.PART_AT] += np.repeat(start, counts)
        return counts, lines

    def _accumulations(self, pitch: int, size: Span) -> Iterator[tuple[int, ...]]:
        """A block, or parts of it where one pooling window has more pixels than the accumulators or a loop hold.

        Args:
            pitch: of its region.
            size: rows and columns of outputs.
        """
        depth = self._machine.hw.accumulators.depth
        counts, steps = self._loops(pitch, size)
        whole, most = Walk(counts=counts, steps=steps), min(depth, MAX_WINDOW)
        if counts[2:] != (1, 1) or (whole.items <= depth and max(counts) <= most):
            yield self._part(0, whole, whole.items)
            return
        for row in range(counts[1]):
            for first, stop in split(counts[0], most):
                walk, least = Walk(counts=(stop - first, 1, 1, 1), steps=steps), counts[0] // -(-counts[0] // most)
                yield self._part(row * steps[1] + first * steps[0], walk, least)

    def _part(self, start: int, walk: Walk, least: int) -> tuple[int, ...]:
        number = self._walks.setdefault(walk, len(self._walks))
        size = self._sizes.setdefault(walk.items, len(self._sizes))
        return start, number, walk.items, walk.reach, size, least

    def _loops(self, pitch: int, size: Span) -> tuple[Loops, Loops]:
        """Counts and steps over `size` (rows, columns) of outputs: the images of a pixel are inside its column."""
        conv, pool, region = self._node.convolution, self._node.window, self._placed.regions[0]
        (high, wide), images = pool.kernel, region.images
        down = conv.stride[0] * pool.stride[0] // region.line_step * pitch
        across, line = conv.stride[1] * pool.stride[1] * images, conv.stride[0] * pitch if high > 1 else 0
        if images == 1 or (across == images and (high, wide) == (1, 1)):
            return (wide, high, size[1] * images, size[0]), (conv.stride[1], line, across // images, down)
        if not one_row(self._node, images):
            return (1, images, size[1], size[0]), (0, 1, across, down)
        return (wide, high, images, size[1]), (conv.stride[1] * images, line, 1, across)


def _place(placed: PlacedNode, block: int) -> tuple[int, int, int]:
    """Plane, first bank and period (log2) of a channel block of a node's input."""
    bank, plane = placed.banks.place(block)
    return plane, bank, placed.banks.repeat(block).bit_length() - 1


def _visits(placed: PlacedNode, counts: list[int]) -> Int64Array:
    """Column tile and block of all visits in the order of a node's mapping; `counts` are the blocks of each region."""
    columns, total = np.arange(len(placed.tiles.columns)), sum(counts)
    if placed.mapping.order == Order.ACTIVATIONS:
        return np.stack([np.tile(columns, total), np.repeat(np.arange(total), columns.size)], axis=1)
    together = [total] if placed.mapping.order == Order.COLUMNS else counts
    begins = np.cumsum(together) - together
    found = [
        np.stack([np.repeat(columns, count), np.tile(np.arange(first, first + count), columns.size)], axis=1)
        for first, count in zip(begins, together, strict=True)
    ]
    return np.concatenate(found)
