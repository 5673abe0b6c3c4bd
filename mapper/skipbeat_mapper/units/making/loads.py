"""Loads of activations and of table entries, and zeros around the pixels of a map."""

from __future__ import annotations

from skipbeat_arch.compiled import compiled

from ...order import places as at
from ...order.places import NOWHERE, ZERO_CLOCKS
from . import fields as f
from .fields import Arrays
from .rings import keep

#: Clocks that a LOAD costs beside those of its data.
LOAD_CLOCKS = 8
#: Most vectors of a LOAD of several lines, so that it fits between two stores and a pass need not wait for all of them.
LOAD_VECTORS = 256


@compiled
def add_load(a: Arrays, space: int, start: int, stop: int, source: int, count: int) -> int:
    """A LOAD of `count` vectors from memory vector `source` that writes entries from-to; its number."""
    number: int = a.chip[f.LOADS]
    load = a.loads[number]
    load[f.SPACE], load[f.START], load[f.STOP] = space, start, stop
    load[f.SOURCE], load[f.SOURCE_STOP], load[f.FIRST_SPAN] = source, source + count, a.chip[f.SPANS]
    load[f.CLOCKS] = count * a.machine[f.VECTOR_BEATS] + LOAD_CLOCKS
    load[f.WIDTH], load[f.LINE_PITCH], load[f.TO], load[f.PERIOD], load[f.BANK] = 0, 0, start, 0, 0
    a.chip[f.LOADS] += 1
    return number


@compiled
def add_table_load(a: Arrays, source: int, entry: int, count: int) -> None:
    """The LOAD of `count` table entries from memory vector `source` to entry `entry`."""
    vectors = a.machine[f.TABLE_VECTORS]
    load = add_load(a, at.TABLE, entry, entry + count, source, count * vectors)
    a.loads[load, f.TO] = entry * vectors


@compiled
def add_run(a: Arrays, node: int, run: int) -> None:
    """The LOAD of a run of a node's table entries, unless it is there."""
    start, stop = a.runs[run, f.RUN_START], a.runs[run, f.RUN_STOP]
    source = a.nodes[node, f.TABLE_AT] + start * a.machine[f.TABLE_VECTORS]
    entry, new = keep(a, at.TABLE, source, 0, stop - start)
    a.runs[run, f.RUN_AT] = entry
    if new:
        add_table_load(a, source, entry, stop - start)


@compiled
def add_zeros(a: Arrays, region: int, base: int) -> None:
    """The zeros around the map's pixels in a region at `base`, if there are any."""
    lines, pitch, plane = a.regions[region, f.LINES], a.regions[region, f.PITCH], a.regions[region, f.PLANE]
    lead, real, entries = a.regions[region, f.LEAD], a.regions[region, f.REAL], a.regions[region, f.ENTRIES]
    first = a.chip[f.SPANS]
    for begin in range(base, base + entries // plane * plane, plane):
        for line in range(lines):
            start = begin + line * pitch
            if a.regions[region, f.REAL_START] <= line < a.regions[region, f.REAL_STOP]:
                _add_span(a, first, start, start + lead)
                _add_span(a, first, start + lead + real, start + pitch)
            else:
                _add_span(a, first, start, start + pitch)
        _add_span(a, first, begin + lines * pitch, begin + plane)
    stop, clocks = a.chip[f.SPANS], 0
    for span in range(first, stop):
        clocks += a.spans[span, 1] - a.spans[span, 0] + ZERO_CLOCKS
    if stop > first:
        load = add_load(a, at.ACTIVATIONS, base, base + entries, NOWHERE, 0)
        a.loads[load, f.SOURCE_STOP], a.loads[load, f.FIRST_SPAN], a.loads[load, f.CLOCKS] = NOWHERE, first, clocks


@compiled
def _add_span(a: Arrays, first: int, start: int, stop: int) -> None:
    """Zeros from-to, joined to those right before them from span `first` on."""
    last = a.chip[f.SPANS]
    if last > first and a.spans[last - 1, 1] == start:
        a.spans[last - 1, 1] = stop
    elif stop > start:
        a.spans[last, 0], a.spans[last, 1] = start, stop
        a.chip[f.SPANS] += 1


@compiled
def add_lines(a: Arrays, node: int, block: int) -> None:
    """Loads of the lines that a block needs of its region, from the top down, each once; of a single one its pixels."""
    region, needed = a.blocks[block, f.REGION], a.blocks[block, f.NEEDED]
    line, last, real = a.nodes[node, f.NEXT_LINE], a.regions[region, f.REAL_STOP], a.regions[region, f.REAL]
    if a.nodes[node, f.INPUT] != NOWHERE or line >= last:
        return
    first, stop = a.nodes[node, f.CHANNEL_THERE], a.nodes[node, f.CHANNELS]
    stop = first + 1 if a.nodes[node, f.ALONE] else stop
    if a.regions[region, f.LINES] == 1:
        entry = a.nodes[node, f.NEXT_ENTRY]
        needed = min(max(entry, needed), real)
        a.nodes[node, f.NEXT_ENTRY] = needed
        a.nodes[node, f.NEXT_LINE] = last if needed == real else line
        for channel in range(first, stop if needed > entry else first):
            _add_lines(a, node, region, channel, 0, 1, entry, needed)
    elif needed > line:
        a.nodes[node, f.NEXT_LINE] = needed
        together = max(1, LOAD_VECTORS // max(1, real)) if a.regions[region, f.WHOLE] else 1
        for channel in range(first, stop):
            for each in range(line, needed, together):
                _add_lines(a, node, region, channel, each, min(together, needed - each), 0, real)


@compiled
def _add_lines(a: Arrays, node: int, region: int, channel: int, line: int, lines: int, start: int, stop: int) -> None:
    """Some lines of a channel block, of each its entries from-to."""
    first, width, pitch = a.nodes[node, f.FIRST_CHANNEL], stop - start, a.regions[region, f.PITCH]
    plane = a.channels[first + channel, f.IN_PLANE]
    plane -= a.channels[first + a.nodes[node, f.CHANNEL_THERE], f.IN_PLANE]
    to = a.nodes[node, f.REGION_AT] + plane * a.regions[region, f.PLANE] + line * pitch
    to += a.regions[region, f.LEAD] + start
    source = a.nodes[node, f.INPUT_AT] + channel * a.nodes[node, f.INPUT_BLOCK] + a.regions[region, f.PIXEL_AT]
    source += line * a.regions[region, f.LINE_APART] + start
    load = add_load(a, at.ACTIVATIONS, to, to + (lines - 1) * pitch + width, source, lines * width)
    a.loads[load, f.WIDTH], a.loads[load, f.LINE_PITCH] = width, pitch
    a.loads[load, f.PERIOD] = a.channels[first + channel, f.IN_PERIOD]
    a.loads[load, f.BANK] = a.channels[first + channel, f.IN_BANK]
