"""Loads of activations and offset tables."""

from __future__ import annotations

from collections.abc import Sequence

from skipbeat_arch.engines import Kind
from skipbeat_arch.machine import Machine

from ..memory_map import PlacedNode
from ..placing.regions import Region, Span, window
from .unit import Clear, Load, Range, Space

#: Most vectors of a LOAD of several lines, so that it fits between two stores and a pass need not wait for all of them.
LOAD_VECTORS = 256


def table_load(machine: Machine, source: int, entry: int, count: int) -> Load:
    """The LOAD of `count` table entries from memory vector `source`."""
    vectors = count * machine.table_vectors
    return Load(
        kind=Kind.TABLE,
        to=entry * machine.table_vectors,
        source=source,
        count=vectors,
        writes=Range(Space.TABLE, entry, entry + count),
    )


def clear(region: Region, base: int, prepared: PlacedNode) -> list[Clear]:
    """The zeros around the map's pixels in a region at `base`, if there are any."""
    first, last = region.real_lines(prepared.node.convolution)
    spans: list[tuple[int, int]] = []

    def add(start: int, stop: int) -> None:
        if spans and spans[-1][1] == start:
            spans[-1] = (spans[-1][0], stop)
        elif stop > start:
            spans.append((start, stop))

    for plane in range(region.planes):
        at = base + plane * region.plane
        for line in range(region.lines):
            start = at + line * region.pitch
            if first <= line < last:
                add(start, start + region.lead)
                add(start + region.lead + region.real, start + region.pitch)
            else:
                add(start, start + region.pitch)
        add(at + region.lines * region.pitch, at + region.plane)
    if not spans:
        return []
    return [Clear(spans=tuple(spans), writes=Range(Space.ACTIVATIONS, base, base + region.entries))]


class Lines:
    """Loads the lines of a region as its blocks need them, from the top down, each once; a single line by its pixels.

    Args:
        channels: the blocks that it holds.
    """

    def __init__(self, prepared: PlacedNode, region: Region, base: int, tensor: int, channels: Sequence[int]) -> None:
        self._prepared, self._region, self._base, self._tensor = prepared, region, base, tensor
        self._channels = channels
        self._next, self._last = region.real_lines(prepared.node.convolution)
        self._entry = 0  # of a single line
        conv, pool = prepared.node.convolution, prepared.node.window
        #: Lines of the map from one output row to the next, and those that a row needs.
        self._down = pool.stride[0] * conv.stride[0]
        self._below = (pool.kernel[0] - 1) * conv.stride[0] + (conv.kernel[0] - 1) * conv.dilation[0] + 1

    def needed(self, rows: Span, columns: Span) -> list[Load]:
        """Loads of what output rows and columns need and that was not loaded before."""
        start, region = self._next, self._region
        if start >= self._last:
            return []
        if region.lines == 1:
            return self._pixels(columns)
        first = (rows[1] - 1) * self._down
        stop = min(self._last, -(-(first + self._below - region.top) // region.line_step))
        if stop <= start:
            return []
        self._next = stop
        return [load for block in self._channels for load in self._block(block, start, stop)]

    def _pixels(self, columns: Span) -> list[Load]:
        """Loads of the only line, as far as output columns need it."""
        region, (_, right) = self._region, window(columns, self._prepared.node, axis=1)
        reach = (right - region.left) * region.images - region.lead
        stop = min(max(self._entry, reach), region.real)
        start, self._entry = self._entry, stop
        if stop == region.real:
            self._next = self._last  # all of it
        return [self._load(block, 0, 1, (start, stop)) for block in self._channels] if stop > start else []

    def _block(self, block: int, start: int, stop: int) -> list[Load]:
        """Stored lines from-to of one channel block: one load if they follow one another in memory."""
        conv, region = self._prepared.node.convolution, self._region
        if region.line_step == 1 and region.real == conv.width * region.images:
            lines = max(1, LOAD_VECTORS // max(1, region.real))
            return [self._load(block, line, min(lines, stop - line)) for line in range(start, stop, lines)]
        return [self._load(block, line, 1) for line in range(start, stop)]

    def _load(self, block: int, line: int, lines: int, part: Span | None = None) -> Load:
        """Lines of a channel block, all of their entries or only a part, from-to."""
        conv, region, banks = self._prepared.node.convolution, self._region, self._prepared.banks
        first, stop = part or (0, region.real)
        width = stop - first
        bank, plane = banks.place(block)
        plane -= banks.place(self._channels[0])[1]
        row = region.top + line * region.line_step - conv.padding[0]
        column = (region.left - conv.padding[1]) * region.images + region.lead + first
        to = self._base + plane * region.plane + line * region.pitch + region.lead + first
        return Load(
            kind=Kind.ACTIVATIONS,
            to=to,
            source=self._tensor + (block * conv.height + row) * conv.width * region.images + column,
            count=lines * width,
            width=width,
            pitch=region.pitch,
            period=banks.repeat(block).bit_length() - 1,
            bank=bank,
            writes=Range(Space.ACTIVATIONS, to, to + (lines - 1) * region.pitch + width),
        )
