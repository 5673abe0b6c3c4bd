"""Which output pixels share a load of activations (a region), and which of them share a pass (a block).

All coordinates of the input are those of the padded map. A region holds whole input lines, zeros of the padding
included; the zeros right of a line are those left of the next one wherever both are needed. Of a group of images all
pixels at one place stand side by side: a pixel is `images` entries.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from skipbeat_arch import instruction as isa
from skipbeat_arch.graph import Node, Pool
from skipbeat_arch.machine import Machine
from skipbeat_arch.workload import Convolution

from .node_mapping import PLAIN, NodeMapping, Order

Span = tuple[int, int]

#: Largest counts and distances that instructions hold.
MAX_LOOP = isa.Setup.largest("n2")
MAX_WINDOW = isa.Setup.largest("n0")
MAX_LINE = isa.Placement.largest("width")
MAX_ITEMS = isa.Store.largest("count")
MAX_ENTRIES = isa.Load.largest("count")
#: Output columns below which regions are not made narrower if wider ones fit: a block of them is a single row, whose
#: passes should last longer than it takes to load a tile.
NARROW = 32
#: What a line that is loaded by itself costs beside its pixels, for choosing among widths.
BURST_CLOCKS = 4


class Shape(NamedTuple):
    """What the regions of a node depend on."""

    convolution: Convolution
    window: Pool
    out_shape: tuple[int, int, int]


def bank_entries(machine: Machine) -> int:
    """Entries of a bank that addresses reach."""
    return min(machine.bank_depth, MAX_ENTRIES)


@dataclass(frozen=True, kw_only=True)
class Region:
    """Output pixels `rows` × `columns` and the input lines that they need.

    Attributes:
        rows, columns: of the output (pooled), from-to.
        top, lines, line_step: stored line i is padded row `top + i·line_step`.
        images: entries of a pixel, one for each image.
        left: padded column with which a line begins: `lead` zeros, `real` entries of the map and `tail` zeros.
        pitch: entries from a line to the next; plane: entries of a plane; entries: of all planes.
    """

    rows: Span
    columns: Span
    top: int
    lines: int
    line_step: int
    images: int
    left: int
    lead: int
    real: int
    tail: int
    pitch: int
    plane: int
    entries: int

    @property
    def planes(self) -> int:
        """Its planes."""
        return self.entries // self.plane

    def real_lines(self, conv: Convolution) -> Span:
        """The stored lines that belong to the map, from-to; the others are zero."""
        first = max(0, -(-(conv.padding[0] - self.top) // self.line_step))
        last = max(first, min(self.lines, -(-(conv.padding[0] + conv.height - self.top) // self.line_step)))
        return (first, last) if self.real else (0, 0)


def make_region(
    node: Node | Shape, rows: Span, columns: Span, planes: int, images: int = 1, *, whole_map: bool = False
) -> Region:
    """The region of output rows and columns; with `whole_map` it has every pixel of the input, needed or not."""
    conv, pool = node.convolution, node.window
    skips = conv.kernel[0] == 1 and pool.kernel[0] == 1 and not whole_map
    line_step = conv.stride[0] * pool.stride[0] if skips else 1
    top, bottom = window(rows, node, axis=0)
    left, right = window(columns, node, axis=1)
    if whole_map:
        bottom, right = (max(bottom, conv.padding[0] + conv.height), max(right, conv.padding[1] + conv.width))
    begin, end = max(left, conv.padding[1]), min(right, conv.padding[1] + conv.width)
    real = max(0, end - begin) * images
    lead, tail = ((begin - left) * images, (right - end) * images) if real else ((right - left) * images, 0)
    lines = -(-(bottom - top) // line_step)
    pitch = max(lead, tail) + real
    plane = lines * pitch + min(lead, tail)
    return Region(
        rows=rows,
        columns=columns,
        top=top,
        lines=lines,
        line_step=line_step,
        images=images,
        left=left,
        lead=lead,
        real=real,
        tail=tail,
        pitch=pitch,
        plane=plane,
        entries=plane * planes,
    )


def window(span: Span, node: Node | Shape, axis: int) -> Span:
    """Padded input rows (axis 0) or columns that outputs from-to need, from-to."""
    conv, pool = node.convolution, node.window
    stride, pool_stride = conv.stride[axis], pool.stride[axis]
    first = span[0] * pool_stride * stride
    last = ((span[1] - 1) * pool_stride + pool.kernel[axis] - 1) * stride
    return first, last + (conv.kernel[axis] - 1) * conv.dilation[axis] + 1


def block_limit(node: Node, machine: Machine, pixels: int | None = None) -> int:
    """Most output pixels of one block, of all images, with `pixels` before pooling if one window has not more.

    It is 1 where a window is too large for the accumulators or a loop, and is computed in several accumulations.
    """
    window = node.window.kernel
    area = window[0] * window[1]
    vectors = machine.output_depth // node.vectors
    limit = max(1, min(machine.hw.accumulators.depth // area, vectors, MAX_ITEMS))
    if max(window) > MAX_WINDOW:
        return 1
    return limit if pixels is None else min(limit, max(1, pixels // area))


def regions(
    node: Node, machine: Machine, planes: int, images: int = 1, *, mapping: NodeMapping = PLAIN, turns: int = 1
) -> list[Region]:
    """The regions of a node: one if the whole map fits, otherwise such that its share fits, with the least to load.

    Where the window of one output pixel does not fit, it is that of the first one alone: `limits.check` refuses it.
    Blocks of a single line that run through all column tiles are regions of their own: no two need the same pixel, and
    the next one can be loaded while one is in use.

    Args:
        turns: loads of a region, each with other channels; with several the whole map has to leave room for the next.
    """
    shape = Shape(node.convolution, node.window, node.out_shape)
    found = list(_regions(shape, bank_entries(machine), planes, images, mapping.share, turns))
    if not blocks_apart(node, mapping):
        return found
    most = max(1, block_limit(node, machine, mapping.pixels) // images)
    return [
        make_region(node, each.rows, (each.columns[0] + start, each.columns[0] + stop), planes, images)
        for each in found
        for start, stop in split(each.columns[1] - each.columns[0], most)
    ]


def blocks_apart(node: Node, mapping: NodeMapping) -> bool:
    """Whether each block has a region of its own."""
    conv = node.convolution
    line = conv.height == 1 and conv.kernel == node.window.kernel == (1, 1)
    return line and mapping.order == Order.ACTIVATIONS


@lru_cache(maxsize=1024)
def _regions(node: Shape, room: int, planes: int, images: int, share: int, turns: int) -> Sequence[Region]:
    """The fewest regions with the least to load, before blocks are looked at."""
    height, width = node.out_shape[1:]
    whole = make_region(node, (0, height), (0, width), planes, images)
    if turns == 1 and fits(whole, room):
        return [whole]
    for limit in dict.fromkeys((room // share, room)):
        found: list[tuple[int, list[Region]]] = []
        for widest in sorted({-(-width // parts) for parts in range(1, width + 1)}, reverse=True):
            if found and widest < NARROW:
                break
            if rows := _most_rows(node, (height, widest), planes, images, limit):
                parts = [
                    make_region(node, row, column, planes, images)
                    for row in split(height, rows)
                    for column in split(width, widest)
                ]
                found.append((sum(_load_clocks(region, planes) for region in parts), parts))
                if rows == height:
                    break  # what is narrower only has more halo
        if found:
            return min(found, key=lambda each: each[0])[1]
    return [make_region(node, (0, 1), (0, 1), planes, images)]


def _load_clocks(region: Region, planes: int) -> int:
    """What a region costs to load, roughly: its pixels, and a short burst for every line that is not whole."""
    return planes * region.lines * (region.real + BURST_CLOCKS)


def fits(region: Region, room: int) -> bool:
    """Whether a region fits so many entries and the fields of the instructions."""
    columns = region.columns[1] - region.columns[0]
    rows = region.rows[1] - region.rows[0]
    return region.entries <= room and region.pitch <= MAX_LINE and max(columns * region.images, rows) <= MAX_LOOP


def _most_rows(node: Shape, size: tuple[int, int], planes: int, images: int, room: int) -> int:
    """Most output rows, up to `size` (rows, columns), whose regions fit anywhere in the map; 0 if none do.

    Lines of padding are stored like any other, so that a region is as large wherever it begins.
    """
    low, high = 0, size[0]
    while low < high:
        middle = (low + high + 1) // 2
        fit = all(
            fits(make_region(node, (0, middle), (start, stop), planes, images), room)
            for start, stop in split(node.out_shape[2], size[1])
        )
        low, high = (middle, high) if fit else (low, middle - 1)
    return low


def split(size: int, largest: int) -> list[Span]:
    """The fewest even parts (from, to) of at most `largest`."""
    parts = -(-size // largest)
    return list(itertools.pairwise(i * size // parts for i in range(parts + 1)))


def blocks(region: Region, node: Node, machine: Machine, pixels: int | None = None) -> Iterator[tuple[Span, Span]]:
    """(rows, columns) of the blocks of a region; outputs of a block follow one another in the output tensor."""
    row, column = region.rows[0], region.columns[0]
    for (first, last), (start, stop) in _cut(*_cuts(region, node, machine, pixels)):
        yield (row + first, row + last), (column + start, column + stop)


def block_sizes(region: Region, node: Node, machine: Machine, pixels: int | None = None) -> tuple[int, ...]:
    """The output pixels of one image in each block of a region."""
    return _sizes(*_cuts(region, node, machine, pixels))


def _cuts(region: Region, node: Node, machine: Machine, pixels: int | None) -> tuple[int, int, int, bool]:
    """Rows and columns of a region, the most pixels of a block, and whether it may have several rows."""
    limit = max(1, block_limit(node, machine, pixels) // region.images)
    height, width = region.rows[1] - region.rows[0], region.columns[1] - region.columns[0]
    return height, width, limit, width == node.out_shape[2] and width <= limit and not one_row(node, region.images)


@lru_cache(maxsize=4096)
def _cut(height: int, width: int, limit: int, whole: bool) -> tuple[tuple[Span, Span], ...]:
    """The blocks of an area, from its first row and column."""
    rows, columns = split(height, limit // width if whole else 1), split(width, min(limit, width))
    return tuple(itertools.product(rows, columns))


@lru_cache(maxsize=4096)
def _sizes(height: int, width: int, limit: int, whole: bool) -> tuple[int, ...]:
    return tuple((last - first) * (stop - start) for (first, last), (start, stop) in _cut(height, width, limit, whole))


def one_row(node: Node, images: int) -> bool:
    """Whether a block has one row of outputs, because loops over its pooling window, images and columns are four."""
    if images == 1:
        return False
    return node.window.kernel != (1, 1) or (node.convolution.stride[1] > 1 and images > MAX_WINDOW)
