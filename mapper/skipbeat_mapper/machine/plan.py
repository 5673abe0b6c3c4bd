"""The plan: for every step its units in order, with everything in its place on the chip.

`visits` says in which order blocks come; a region's activations are loaded when it is first visited. Every on-chip
memory is a ring: what comes next is placed behind what came last, so that it can be loaded while the last is in use.
Weights of a step are loaded once if all of them fit the weight buffer, once per region and column tile if these fit
half of it, and otherwise in parts for every block.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from skipbeat_arch.command import Command

from .chip import Chip
from .loads import Lines, clear, table_load
from .memory_map import MemoryMap, Prepared
from .operations import Load, PassOp, Range, Space, Unit, Walk
from .regions import Region, Span
from .stores import Stores
from .tables import Offsets, bank_offsets, tap_offset
from .visits import visits
from .weights import Placed, WeightPlan


def plan(memory: MemoryMap) -> Iterator[Unit]:
    """All units of a network in program order."""
    chip = Chip(memory.machine)
    zeros: Load | None = table_load(memory.machine, 0, 0, 1)
    for number, prepared in enumerate(memory.steps):
        for unit in _StepPlan(chip, memory, number, prepared).units():
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
    """

    region: Region
    rows: Span
    columns: Span
    start: int
    walk: Walk


class _StepPlan:
    """The units of one step."""

    def __init__(self, chip: Chip, memory: MemoryMap, number: int, prepared: Prepared) -> None:
        self._chip, self._memory, self._number, self._prepared = chip, memory, number, prepared
        self._step, self._machine = prepared.step, memory.machine
        self._tables = {(0,) * prepared.banks.rows: 0}
        self._found: dict[tuple[int, int], Offsets] = {}
        self._weights = WeightPlan(prepared, chip)
        self._stores = Stores(prepared, chip, memory)

    def units(self) -> Iterator[Unit]:
        prepared = self._prepared
        waiting: list[Load] = []
        if prepared.entries:
            entry = self._chip.table.take(len(prepared.entries))
            self._tables |= {offsets: entry + i for i, offsets in enumerate(prepared.entries)}
            waiting.append(table_load(self._machine, prepared.table_at, entry, len(prepared.entries)))
        region, base, lines, zeros = None, 0, None, None
        for visit in visits(prepared, self._machine):
            if visit.region is not region or lines is None:
                region = visit.region
                base = self._chip.activations.take(region.entries)
                lines = Lines(prepared, region, base, self._memory.tensors[self._step.input])
                zeros = clear(region, base, prepared)
                self._weights.new_region()
                self._stores.new_region()
            block = self._block(region, base, visit.rows, visit.columns)
            for unit in self._accumulate(block, visit.column):
                unit.loads[:0] = [*([zeros] if zeros else []), *waiting, *lines.needed(visit.rows)]
                zeros, waiting = None, []
                yield unit

    def _block(self, region: Region, base: int, rows: Span, columns: Span) -> _Block:
        conv, pool = self._step.convolution, self._step.window
        line = conv.stride[0] * region.pitch
        down, across = conv.stride[0] * pool.stride[0] // region.line_step, conv.stride[1] * pool.stride[1]
        walk = Walk(
            counts=(pool.kernel[1], pool.kernel[0], columns[1] - columns[0], rows[1] - rows[0]),
            steps=(conv.stride[1], line if pool.kernel[0] > 1 else 0, across, down * region.pitch),
        )
        start = base + (rows[0] - region.rows[0]) * down * region.pitch + (columns[0] - region.columns[0]) * across
        return _Block(region=region, rows=rows, columns=columns, start=start, walk=walk)

    def _accumulate(self, block: _Block, column: int) -> Iterator[Unit]:
        """The units of one block and column tile: one, or several if its weights come in parts."""
        store, loads = self._stores.store(column, block.rows, block.columns)
        unit = Unit(step=self._number, walk=block.walk, store=store)
        parts = self._weights.parts(column)
        for number, (part, weight_loads) in enumerate(parts):
            if number:
                unit = Unit(step=self._number, walk=block.walk)
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

    def _offsets(self, tap: int, pitch: int) -> Offsets:
        """`bank_offsets`, each computed once."""
        if (tap, pitch) not in self._found:
            self._found[tap, pitch] = bank_offsets(self._step, self._prepared.banks, tap, pitch)
        return self._found[tap, pitch]

    def _pass(self, block: _Block, column: int, placed: Placed, *, first: bool, last: bool) -> PassOp:
        banks, region, packed = self._prepared.banks, block.region, placed.tile.statistics
        tap, plane = banks.tile(placed.tile.number)
        offsets = self._offsets(tap, region.pitch)
        base = block.start + plane * region.plane + tap_offset(self._step, tap, region.pitch)
        used, table = offsets[: packed.rows], self._tables[offsets]
        reads = [
            Range(Space.ACTIVATIONS, base + min(used), base + max(used) + block.walk.reach + 1),
            Range(Space.TABLE, table, table + 1),
        ]
        if not self._chip.enter((self._number, column, placed.tile.number)):
            command = Command(
                pixels=block.walk.items, beat=packed.beat, rows=packed.rows, cols=packed.cols, load=False, first=first,
                last=last,
            )  # fmt: skip
            return PassOp(command=command, base=base, table=table, reads=tuple(reads))
        reads.append(Range(Space.WEIGHTS, placed.at, placed.at + placed.tile.words))
        return PassOp(
            command=packed.command(block.walk.items, first=first, last=last), words=placed.tile.words,
            weights=placed.at, base=base, table=table, reads=tuple(reads), tile=packed,
        )  # fmt: skip
