"""The plan: for every step its units in order, with everything in its place on the chip.

The order is region, column tile, block: activations are loaded once per region, and the weights of a column tile once
per region at most. Every on-chip memory is a ring: what comes next is placed behind what came last, so that it can be
loaded while the last is in use. Weights of a step are loaded once if all of them fit the weight buffer, once per region
and column tile if these fit half of it, and otherwise in parts for every block.
"""

from __future__ import annotations

from collections.abc import Iterator

from skipbeat_arch.command import Command
from skipbeat_arch.errors import InputError
from skipbeat_arch.instruction import Kind
from skipbeat_arch.machine import PARAMETER_BLOCKS, PARAMETER_PITCH, PARAMETER_VECTORS, TABLE_ENTRIES, Machine
from skipbeat_arch.tensor_layout import channel_blocks

from .loads import Lines, clear, weight_parts
from .memory_map import MemoryMap, Prepared
from .operations import Load, PassOp, Range, Space, StoreOp, Unit, Walk
from .regions import MAX_ENTRIES, Region, Span, bank_entries, blocks
from .ring import Ring
from .tables import bank_offsets, tap_offset
from .tiles import Tile

#: Longest part of a column tile's weights in one LOAD, so that its first pass need not wait for all of them.
PART_WORDS = 512


class Planner:
    """Plans the steps of a memory map, one after the other."""

    def __init__(self, memory: MemoryMap) -> None:
        machine = memory.machine
        self._memory, self._machine = memory, machine
        self._weights = Ring(min(machine.weight_depth, MAX_ENTRIES))
        self._activations = Ring(bank_entries(machine))
        self._parameters = Ring(PARAMETER_BLOCKS)
        self._residual = Ring(machine.residual_depth)
        self._table = Ring(TABLE_ENTRIES - 1)
        self._in_array: object = None

    def units(self) -> Iterator[Unit]:
        """All units in program order."""
        for number, prepared in enumerate(self._memory.steps):
            first = True
            for unit in _StepPlan(self, self._memory, number, prepared).units():
                if number == 0 and first:
                    unit.loads.insert(0, table_load(self._machine, 0, 0, 1))
                first = False
                yield unit

    def take_weights(self, words: int) -> int:
        return self._weights.take(words)

    def take_activations(self, entries: int) -> int:
        return self._activations.take(entries)

    def take_parameters(self, count: int) -> int:
        return self._parameters.take(count)

    def take_residual(self, vectors: int) -> int:
        return self._residual.take(vectors)

    def take_table(self, entries: int) -> int:
        """Entry 0 is never taken: it holds zeros."""
        return 1 + self._table.take(entries)

    def enter(self, tile: object) -> bool:
        """Whether a tile must be loaded into the array, and is then."""
        needed = tile != self._in_array
        self._in_array = tile
        return needed


def table_load(machine: Machine, source: int, entry: int, count: int) -> Load:
    """The LOAD of table entries."""
    vectors = count * machine.table_vectors
    return Load(
        kind=Kind.TABLE, to=entry * machine.table_vectors, source=source, count=vectors,
        writes=Range(Space.TABLE, entry, entry + count),
    )  # fmt: skip


class _StepPlan:
    """The units of one step."""

    def __init__(self, planner: Planner, memory: MemoryMap, number: int, prepared: Prepared) -> None:
        self._planner, self._memory, self._number, self._prepared = planner, memory, number, prepared
        self._machine, self._step = memory.machine, prepared.step
        self._depth = min(self._machine.weight_depth, MAX_ENTRIES)
        self._tables = {(0,) * prepared.banks.rows: 0}
        self._visits = 0
        #: Where a column tile's weights and parameters are on the chip, as far as they stay there.
        self._weights_of: dict[int, int] = {}
        self._block_of: dict[int, int] = {}

    def units(self) -> Iterator[Unit]:
        prepared = self._prepared
        columns = len(prepared.tiles.columns)
        self._keep_all = prepared.tiles.words <= self._depth
        first_loads: list[Load] = []
        if prepared.entries:
            entry = self._planner.take_table(len(prepared.entries))
            self._tables |= {offsets: entry + i for i, offsets in enumerate(prepared.entries)}
            first_loads.append(table_load(self._machine, prepared.table_at, entry, len(prepared.entries)))
        if self._keep_all and prepared.tiles.words:
            self._base = self._planner.take_weights(prepared.tiles.words)
        if columns <= PARAMETER_BLOCKS:
            self._first_block = self._planner.take_parameters(columns)
        for region in prepared.regions:
            base = self._planner.take_activations(region.entries)
            lines = Lines(prepared, region, base, self._memory.tensors[self._step.input], self._machine)
            zeros = clear(region, base, prepared)
            if not self._keep_all:
                self._weights_of.clear()
            if columns > PARAMETER_BLOCKS:
                self._block_of.clear()
            for column in range(columns):
                for rows, span in blocks(region, self._step, self._machine):
                    for unit in self._block(region, base, column, rows, span):
                        unit.loads[:0] = [*([zeros] if zeros else []), *first_loads, *lines.needed(rows)]
                        first_loads, zeros = [], None
                        yield unit

    def _block(self, region: Region, base: int, column: int, rows: Span, span: Span) -> Iterator[Unit]:
        """The units of one block and column tile: one, or several if its weights come in parts."""
        walk = self._walk(region, rows, span)
        store, loads = self._store(column, rows, span)
        tiles = self._prepared.tiles.columns[column]
        words = sum(tile.words for tile in tiles)
        pixels = walk.counts[0] * walk.counts[1] * walk.counts[2] * walk.counts[3]
        start = self._start(region, base, rows, span)
        if not tiles:
            outputs = self._prepared.tiles.outputs[column]
            null = PassOp(command=Command(pixels=pixels, beat=0, rows=0, cols=outputs, load=False))
            yield Unit(step=self._number, walk=walk, loads=list(loads), store=store, passes=[null])
            return
        parts: list[list[tuple[Tile, int]]] = []
        loads_of: list[list[Load]] = []
        if self._keep_all or words <= self._depth // 2:
            weights = self._kept(column, tiles, words, loads)
            ordered = tiles if self._visits % 2 == 0 else tiles[::-1]
            self._visits += 1
            parts.append([(tile, weights + tile.at - tiles[0].at) for tile in ordered])
            loads_of.append(loads)
        else:
            for part in weight_parts(tiles, self._depth // 4):
                at = self._planner.take_weights(sum(tile.words for tile in part))
                loads_of.append([self._weight_load(part, at)])
                parts.append([(tile, at + tile.at - part[0].at) for tile in part])
            loads_of[0] += loads
        count, done = len(tiles), 0
        for number, part in enumerate(parts):
            unit = Unit(step=self._number, walk=walk, loads=list(loads_of[number]), store=None if number else store)
            for tile, at in part:
                unit.passes.append(
                    self._pass(region, start, column, tile, at, walk, pixels, first=done == 0, last=done == count - 1)
                )
                done += 1
            yield unit

    def _kept(self, column: int, tiles: tuple[Tile, ...], words: int, loads: list[Load]) -> int:
        """Where the column tile's weights are; if they are not there yet, their loads are added."""
        if column not in self._weights_of:
            at = self._base + tiles[0].at if self._keep_all else self._planner.take_weights(words)
            self._weights_of[column] = at
            for part in weight_parts(tiles, PART_WORDS):
                loads.append(self._weight_load(part, at + part[0].at - tiles[0].at))
        return self._weights_of[column]

    def _weight_load(self, part: list[Tile], at: int) -> Load:
        words = sum(tile.words for tile in part)
        if words > self._depth:
            raise InputError(f"step {self._step.layer.name}: a tile does not fit weights.buffer_kib")
        return Load(
            kind=Kind.WEIGHTS, to=at, source=self._prepared.weights_at + part[0].at, count=words,
            writes=Range(Space.WEIGHTS, at, at + words),
        )  # fmt: skip

    def _walk(self, region: Region, rows: Span, span: Span) -> Walk:
        conv, pool = self._step.convolution, self._step.window
        line, pixel = conv.stride[0] * region.pitch, conv.stride[1]
        advance = conv.stride[0] * pool.stride[0] // region.line_step * region.pitch
        return Walk(
            counts=(pool.kernel[1], pool.kernel[0], span[1] - span[0], rows[1] - rows[0]),
            steps=(pixel, line if pool.kernel[0] > 1 else 0, pixel * pool.stride[1], advance),
        )

    def _start(self, region: Region, base: int, rows: Span, span: Span) -> int:
        """The entry of the block's first tap of plane 0."""
        conv, pool = self._step.convolution, self._step.window
        line = (rows[0] - region.rows[0]) * conv.stride[0] * pool.stride[0] // region.line_step
        return base + line * region.pitch + (span[0] - region.columns[0]) * conv.stride[1] * pool.stride[1]

    def _pass(
        self, region: Region, start: int, column: int, tile: Tile, at: int, walk: Walk, pixels: int, *, first: bool,
        last: bool,
    ) -> PassOp:  # fmt: skip
        banks, packed = self._prepared.banks, tile.packed
        tap, plane = banks.tiles(self._step.convolution.kernel[0] * self._step.convolution.kernel[1])[tile.number]
        offsets = bank_offsets(self._step, banks, tap, region.pitch)
        base = start + plane * region.plane + tap_offset(self._step, tap, region.pitch)
        used = offsets[: packed.rows]
        reach = Range(Space.ACTIVATIONS, base + min(used), base + max(used) + walk.reach + 1)
        table = self._tables[offsets]
        load = self._planner.enter((self._number, column, tile.number))
        if load:
            command = packed.command(pixels, first=first, last=last)
        else:
            command = Command(
                pixels=pixels, beat=packed.beat, rows=packed.rows, cols=packed.cols, load=False, first=first, last=last
            )
        reads = [reach, Range(Space.TABLE, table, table + 1)]
        if load:
            reads.append(Range(Space.WEIGHTS, at, at + tile.words))
        return PassOp(
            command=command, words=tile.words if load else 0, weights=at if load else 0, base=base, table=table,
            reads=tuple(reads),
        )  # fmt: skip

    def _store(self, column: int, rows: Span, span: Span) -> tuple[StoreOp, list[Load]]:
        """The store of a block and column tile, and the loads of parameters and residual that it needs."""
        step, (_, height, width) = self._step, self._step.out_shape
        assert column < channel_blocks(step.out_shape[0], self._machine.vector)
        position = (column * height + rows[0]) * width + span[0]
        count = (rows[1] - rows[0]) * (span[1] - span[0])
        loads: list[Load] = []
        block = self._parameter_block(column, loads)
        reads = [Range(Space.PARAMETERS, block * PARAMETER_PITCH, block * PARAMETER_PITCH + PARAMETER_VECTORS)]
        residual_at = None
        if step.residual is not None:
            residual_at = self._planner.take_residual(count)
            reads.append(Range(Space.RESIDUAL, residual_at, residual_at + count))
            loads.append(
                Load(
                    kind=Kind.RESIDUAL, to=residual_at, source=self._memory.tensors[step.residual] + position,
                    count=count, writes=reads[-1],
                )
            )  # fmt: skip
        scale = 4 if step.raw else 1
        address = self._memory.tensors[step.output] + position * scale
        pool = step.window.kernel[0] * step.window.kernel[1]
        store = StoreOp(
            address=address, block=block, low=step.layer.low, high=step.layer.high, raw=step.raw,
            residual_at=residual_at, count=count, pool=pool, reads=tuple(reads),
            writes=Range(Space.MEMORY, address, address + count * scale),
        )  # fmt: skip
        return store, loads

    def _parameter_block(self, column: int, loads: list[Load]) -> int:
        if column not in self._block_of:
            if len(self._prepared.tiles.columns) <= PARAMETER_BLOCKS:
                block = self._first_block + column
            else:
                block = self._planner.take_parameters(1)
            self._block_of[column] = block
            at = block * PARAMETER_PITCH
            loads.append(
                Load(
                    kind=Kind.PARAMETERS, to=at, source=self._prepared.parameters_at + column * PARAMETER_PITCH,
                    count=PARAMETER_VECTORS, writes=Range(Space.PARAMETERS, at, at + PARAMETER_VECTORS),
                )
            )  # fmt: skip
        return self._block_of[column]
