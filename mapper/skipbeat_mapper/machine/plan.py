"""The plan: for every step its units in order, with everything in its place on the chip.

`visits` says in which order blocks come; a region's activations are loaded when it is first visited. Every on-chip
memory is a ring: what comes next is placed behind what came last, so that it can be loaded while the last is in use.
Weights of a step are loaded once if all of them fit the weight buffer, once per region and column tile if these fit
half of it, and otherwise in parts for every block.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from skipbeat_arch.command import Command, Encoding
from skipbeat_arch.tile import TileStatistics

from .chip import Chip
from .loads import Lines, clear, table_load
from .memory_map import Group, MemoryMap
from .operations import Clear, Load, PassOp, Range, Space, Unit, Walk
from .regions import Region, Span, one_row
from .stores import Stores
from .tables import Offsets, bank_offsets, tap_offset
from .visits import visits
from .weights import Placed, WeightPlan


def plan(memory: MemoryMap) -> Iterator[Unit]:
    """All units of a network in program order; their steps are counted on from group to group of images."""
    chip = Chip(memory.machine)
    zeros: Load | None = table_load(memory.machine, 0, 0, 1)
    for turn, group in enumerate(memory.groups):
        for number in range(len(group.steps)):
            for unit in _StepPlan(chip, memory, group, number, turn * len(group.steps)).units():
                if zeros is not None:
                    unit.loads.insert(0, zeros)
                    zeros = None
                yield unit


@dataclass(frozen=True, kw_only=True)
class _Block:
    """Output pixels of one accumulation.

    Attributes:
        region: where their activations are; rows, columns: of the output.
        start: entry of the first pixel's first tap in plane 0.
        walk: of every pass.
        places: what passes read, by the tile's number and rows.
    """

    region: Region
    rows: Span
    columns: Span
    start: int
    walk: Walk
    places: dict[tuple[int, int], _Place] = field(default_factory=dict)


class _Place(NamedTuple):
    """What a tile's pass reads in a block: the same in every column tile."""

    base: int
    table: int
    reads: tuple[Range, Range]


@lru_cache(maxsize=4096)
def _command(tile: TileStatistics, pixels: int, load: bool, first: bool, last: bool) -> Command:
    """The pass of a tile; few differ, so each is made once."""
    command = tile.command(pixels, first=first, last=last)
    return command if load else dataclasses.replace(command, load=False, encoding=Encoding.DENSE)


class _StepPlan:
    """The units of one step."""

    def __init__(self, chip: Chip, memory: MemoryMap, group: Group, number: int, before: int) -> None:
        prepared = group.steps[number]
        self._chip, self._group, self._number, self._prepared = chip, group, number, prepared
        self._step, self._machine, self._run = prepared.step, memory.machine, before + number
        self._tables = {(0,) * prepared.banks.rows: 0}
        self._found: dict[tuple[int, int], Offsets] = {}
        self._blocks: dict[tuple[int, Span, Span], _Block] = {}
        self._weights = WeightPlan(prepared, chip)
        self._stores = Stores(prepared, chip, group)

    def units(self) -> Iterator[Unit]:
        prepared = self._prepared
        waiting: list[Load | Clear] = self._table()
        if prepared.output is not None:
            chain = prepared.output
            waiting += clear(chain.region, chain.base, self._group.steps[chain.reader])
        region, base, lines = None, 0, None
        for visit in visits(prepared, self._machine):
            if visit.region is not region:
                region = visit.region
                base, lines, zeros = self._enter(region)
                self._blocks.clear()
                waiting += zeros
                self._stores.new_region()
            key = base, visit.rows, visit.columns
            if key not in self._blocks:
                self._blocks[key] = self._block(region, base, visit.rows, visit.columns)
            block = self._blocks[key]
            for unit in self._accumulate(block, visit.column):
                unit.loads[:0] = [*waiting, *(lines.needed(visit.rows) if lines else ())]
                waiting = []
                yield unit

    def _table(self) -> list[Load | Clear]:
        """Loads of the step's offset tables."""
        prepared, count = self._prepared, len(self._prepared.entries)
        if not count:
            return []
        entry, new = self._chip.table.keep(prepared.table_at, count)
        self._tables |= {offsets: entry + i for i, offsets in enumerate(prepared.entries)}
        return [table_load(self._machine, prepared.table_at, entry, count)] if new else []

    def _enter(self, region: Region) -> tuple[int, Lines | None, list[Clear]]:
        """Where a region lies, the loads of its lines (none if the step before wrote them there) and its zeros."""
        prepared = self._prepared
        if prepared.input is not None:
            return prepared.input.base, None, []
        base = self._chip.activations.take(region.entries, prepared.gap)
        lines = Lines(prepared, region, base, self._group.tensors[self._step.input])
        return base, lines, clear(region, base, prepared)

    def _block(self, region: Region, base: int, rows: Span, columns: Span) -> _Block:
        conv, pool, images = self._step.convolution, self._step.window, region.images
        down = conv.stride[0] * pool.stride[0] // region.line_step * region.pitch
        across = conv.stride[1] * pool.stride[1] * images
        start = base + (rows[0] - region.rows[0]) * down + (columns[0] - region.columns[0]) * across
        walk = self._walk(region, (rows[1] - rows[0], columns[1] - columns[0]), down, across)
        return _Block(region=region, rows=rows, columns=columns, start=start, walk=walk)

    def _walk(self, region: Region, size: Span, down: int, across: int) -> Walk:
        """The loops over `size` (rows, columns) of outputs: the images of a pixel are inside its column."""
        conv, (high, wide), images = self._step.convolution, self._step.window.kernel, region.images
        line = conv.stride[0] * region.pitch if high > 1 else 0
        if images == 1 or (across == images and (high, wide) == (1, 1)):
            counts = wide, high, size[1] * images, size[0]
            return Walk(counts=counts, steps=(conv.stride[1], line, across // images, down))
        if not one_row(self._step, images):
            return Walk(counts=(1, images, size[1], size[0]), steps=(0, 1, across, down))
        return Walk(counts=(wide, high, images, size[1]), steps=(conv.stride[1] * images, line, 1, across))

    def _accumulate(self, block: _Block, column: int) -> Iterator[Unit]:
        """The units of one block and column tile: one, or several if its weights come in parts."""
        store, loads = self._stores.store(column, block.rows, block.columns)
        unit = Unit(step=self._run, walk=block.walk, store=store)
        parts = self._weights.parts(column)
        for number, (part, weight_loads) in enumerate(parts):
            if number:
                unit = Unit(step=self._run, walk=block.walk)
            unit.loads += weight_loads + loads
            loads = []
            for at, placed in enumerate(part):
                first = number == 0 and at == 0
                last = number == len(parts) - 1 and at == len(part) - 1
                unit.passes.append(self._pass(block, column, placed, first=first, last=last))
            yield unit
        if not parts:
            outputs = self._prepared.tiles.outputs[column]
            null = Command(pixels=block.walk.items, beat=0, rows=0, cols=outputs, load=False)
            unit.passes.append(PassOp(command=null))
            unit.loads += loads
            yield unit

    def _offsets(self, tap: int, region: Region) -> Offsets:
        """`bank_offsets`, each computed once."""
        key = tap, region.pitch
        if key not in self._found:
            self._found[key] = bank_offsets(self._step, self._prepared.banks, tap, region)
        return self._found[key]

    def _place(self, block: _Block, number: int, rows: int) -> _Place:
        """What the pass of a tile reads in a block."""
        banks, region = self._prepared.banks, block.region
        tap, plane = banks.tile(number)
        offsets = self._offsets(tap, region)
        base = block.start + plane * region.plane + tap_offset(self._step, tap, region)
        used, table = offsets[:rows], self._tables[offsets]
        activations = Range(Space.ACTIVATIONS, base + min(used), base + max(used) + block.walk.reach + 1)
        return _Place(base, table, (activations, Range(Space.TABLE, table, table + 1)))

    def _pass(self, block: _Block, column: int, placed: Placed, *, first: bool, last: bool) -> PassOp:
        number, packed = placed.tile.number, placed.tile.statistics
        if (number, packed.rows) not in block.places:
            block.places[number, packed.rows] = self._place(block, number, packed.rows)
        base, table, reads = block.places[number, packed.rows]
        load = self._chip.enter((self._number, column, number))
        command = _command(packed, block.walk.items, load, first, last)
        if not load:
            return PassOp(command, base=base, table=table, reads=reads)
        words = Range(Space.WEIGHTS, placed.at, placed.at + packed.word_count)
        return PassOp(command, packed.word_count, placed.at, base, table, (*reads, words), packed)
