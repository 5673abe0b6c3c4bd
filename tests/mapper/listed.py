"""Units as objects: those that were made, and those that tests make."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.command import Command
from skipbeat_arch.engines import Kind
from skipbeat_arch.tile import TileStatistics
from skipbeat_arch.workload import Convolution
from skipbeat_mapper.memory_map import MemoryMap
from skipbeat_mapper.order import places as at
from skipbeat_mapper.order.places import NOWHERE, ZERO_CLOCKS
from skipbeat_mapper.placing.regions import Region, Span, blocks
from skipbeat_mapper.units.making import fields as f
from skipbeat_mapper.units.making.loads import LOAD_CLOCKS
from skipbeat_mapper.units.planner import Planner
from skipbeat_mapper.units.units import Space, Units, Walk
from tests.mapper.random_nodes import node_of


class Range(NamedTuple):
    """Entries `start` to before `stop` of one memory."""

    space: Space
    start: int
    stop: int

    def meets(self, other: Range) -> bool:
        """Whether they share an entry."""
        return self.space == other.space and self.start < other.stop and other.start < self.stop


@dataclass(kw_only=True)
class Load:
    """A LOAD: `count` vectors from memory vector `source` to entry `to`; `writes` covers all that it writes."""

    kind: Kind
    to: int
    source: int
    count: int
    writes: Range
    width: int = 0
    pitch: int = 0
    period: int = 0
    bank: int = 0

    @property
    def reads(self) -> Range:
        """The memory that it reads."""
        return Range(Space.MEMORY, self.source, self.source + self.count)


@dataclass(kw_only=True)
class Clear:
    """Entries of all activation banks that must be zero."""

    spans: tuple[tuple[int, int], ...]
    writes: Range


@dataclass(kw_only=True)
class PassOp:
    """A PASS; `reads` are its activations, table entry and weights (none for a null pass), `tile` what it loads."""

    command: Command
    words: int = 0
    weights: int = 0
    base: int = 0
    table: int = 0
    reads: tuple[Range, ...] = ()
    tile: TileStatistics | None = None

    @property
    def steps(self) -> int:
        """Steps of the array."""
        return self.command.pixels * max(1, self.command.beat)


@dataclass(kw_only=True)
class Local:
    """Where a STORE writes in the activation banks: the fields of a PLACE; `writes` covers all of it."""

    to: int
    width: int
    pitch: int
    period: int
    bank: int
    writes: Range


@dataclass(kw_only=True)
class StoreOp:
    """A STORE of `count` outputs: to memory vector `address`, into the banks, or both."""

    address: int = 0
    block: int = 0
    residual_at: int | None = None
    count: int = 1
    pool: int = 1
    reads: tuple[Range, ...] = ()
    writes: Range | None = None
    local: Local | None = None
    node: int = 0

    @property
    def changes(self) -> list[Range]:
        """Everything that it writes."""
        return [r for r in (self.writes, self.local.writes if self.local else None) if r]


@dataclass(kw_only=True, eq=False)
class Unit:
    """What runs between two chances to load."""

    node: int
    walk: Walk
    passes: Sequence[PassOp]
    loads: Sequence[Load | Clear] = ()
    store: StoreOp | None = None

    @property
    def busy(self) -> list[Range]:
        """What must not change while it runs: of what it reads, a range of each memory, and what it writes."""
        every = [r for p in self.passes for r in p.reads] + list(self.store.reads if self.store else ())
        hulls = [
            Range(space, min(r.start for r in own), max(r.stop for r in own))
            for space, own in ((space, [r for r in every if r.space == space]) for space in Space)
            if own
        ]
        return hulls + (self.store.changes if self.store else [])


def a_store(*reads: Range, writes: Range | None = None, local: Range | None = None) -> StoreOp:
    """A store of one output."""
    place = local and Local(to=local.start, width=1, pitch=1, period=0, bank=0, writes=local)
    return StoreOp(reads=reads, writes=writes, local=place)


def listed(units: Units) -> list[Unit]:
    """Units that were made."""
    columns = {number: each.tolist() for number, each in units.columns.items()}
    passes = [_pass(units, each) for each in units.passes.T.tolist()]
    spans = list(zip(columns[at.SPAN_START], columns[at.SPAN_STOP], strict=True))
    pairs = zip(units.loads.T.tolist(), itertools.pairwise(columns[at.FIRST_SPAN]), strict=True)
    loads = [_load(each, tuple(spans[slice(*own)])) for each, own in pairs]
    stores = [_store(each) for each in units.stores.T.tolist()]
    rows = zip(
        *(columns[each] for each in (at.NODE, at.WALK, at.UNIT_STORE)),
        *(itertools.pairwise(columns[each]) for each in (at.FIRST_PASS, at.FIRST_LOAD)),
        strict=True,
    )
    return [
        Unit(
            node=node,
            walk=units.walks[walk],
            passes=passes[slice(*own)],
            loads=loads[slice(*needed)],
            store=None if store == NOWHERE else stores[store],
        )
        for node, walk, store, own, needed in rows
    ]


class Visit(NamedTuple):
    """A column tile in a block of output pixels, `rows` and `columns`, with the units that were made of it.

    Attributes:
        base: entry of the banks where its region lies.
    """

    region: Region
    column: int
    rows: Span
    columns: Span
    base: int
    units: list[Unit]


def visited(memory: MemoryMap, order: Sequence[int] | None = None, number: int = 0) -> Iterator[Visit]:
    """The visits of a node that is planned alone, in its own order or in another one."""
    planner, placed = Planner(memory, [(0, number)]), memory.groups[0].nodes[number]
    pairs = [
        (region, *block)
        for region in placed.regions
        for block in blocks(region, placed.node, memory.machine, placed.mapping.pixels)
    ]
    begin, *own = planner.visits[0]
    planner.follow(np.array([begin, *(own if order is None else [own[each] for each in order])]))
    planner.make(0, 1)
    ends, bases = [0], []
    for visit in range(1, len(planner.arrays.visits)):
        planner.make(visit, visit + 1)
        ends.append(planner.made)
        bases.append(int(planner.arrays.nodes[0, f.REGION_AT]))
    units = listed(planner.units())
    rows = planner.arrays.visits[1:, [f.VISIT_COLUMN, f.VISIT_BLOCK]].tolist()
    for (column, block), base, made in zip(rows, bases, itertools.pairwise(ends), strict=True):
        region, *area = pairs[block]
        yield Visit(region, column, area[0], area[1], base, units[slice(*made)])


def _range(space: int, row: Sequence[int], field: int) -> list[Range]:
    """Those fields from-to, if they are a range."""
    return [] if row[field] == NOWHERE else [Range(Space(space), row[field], row[field + 1])]


def _pass(units: Units, row: Sequence[int]) -> PassOp:
    spaces = at.ACTIVATIONS, at.TABLE, at.WEIGHTS
    reads = [r for n, space in enumerate(spaces) for r in _range(space, row, f.ENTRIES_FROM + 2 * n)]
    return PassOp(
        command=units.commands[row[f.COMMAND]],
        words=row[f.LOADED_WORDS],
        weights=max(0, row[f.WORDS_FROM]),
        base=row[f.BASE],
        table=max(0, row[f.TABLE_FROM]),
        reads=tuple(reads),
        tile=None if row[f.LOADED] == NOWHERE else units.tiles[row[f.LOADED]],
    )


def _load(row: Sequence[int], spans: tuple[tuple[int, int], ...]) -> Load | Clear:
    (writes,) = _range(row[f.SPACE], row, f.START)
    if row[f.SOURCE] == NOWHERE:
        return Clear(spans=spans, writes=writes)
    assert not spans
    return Load(
        kind=Kind(row[f.SPACE]),
        to=row[f.TO],
        source=row[f.SOURCE],
        count=row[f.SOURCE_STOP] - row[f.SOURCE],
        writes=writes,
        width=row[f.WIDTH],
        pitch=row[f.LINE_PITCH],
        period=row[f.PERIOD],
        bank=row[f.BANK],
    )


def _store(row: Sequence[int]) -> StoreOp:
    banks = _range(at.ACTIVATIONS, row, f.BANKS_FROM)
    place = (row[each] for each in (f.STORE_TO, f.STORE_WIDTH, f.STORE_PITCH, f.STORE_PERIOD, f.STORE_BANK))
    reads = _range(at.PARAMETERS, row, f.PARAMETERS_FROM) + _range(at.RESIDUAL, row, f.RESIDUALS_FROM)
    names = "to", "width", "pitch", "period", "bank"
    return StoreOp(
        address=row[f.ADDRESS],
        block=row[f.BLOCK],
        residual_at=None if row[f.RESIDUAL] == NOWHERE else row[f.RESIDUAL],
        count=row[f.STORED],
        pool=row[f.STORE_ITEMS] // row[f.STORED],
        reads=tuple(reads),
        writes=next(iter(_range(at.MEMORY, row, f.MEMORY_FROM)), None),
        local=Local(**dict(zip(names, place, strict=True)), writes=banks[0]) if banks else None,
        node=row[f.STORE_NODE],
    )


def units_of(every: Sequence[Unit], beats: int = 1) -> Units:
    """Units that a test makes; `beats` of a vector."""
    walks, commands, tiles = dict[Walk, int](), dict[Command, int](), list[TileStatistics]()
    units, passes, loads, spans, stores = (list[tuple[int, ...]]() for _ in range(5))
    busy = np.full((2, len(every), at.BUSY), NOWHERE, np.int64)
    for number, unit in enumerate(every):
        walk, store = walks.setdefault(unit.walk, len(walks)), len(stores) if unit.store else NOWHERE
        units.append((unit.node, walk, len(passes), len(loads), store))
        passes += [_pass_row(op, commands.setdefault(op.command, len(commands)), tiles) for op in unit.passes]
        for load in unit.loads:
            loads.append(_load_row(load, len(spans), beats))
            spans += load.spans if isinstance(load, Clear) else ()
        stores += [_store_row(unit.store)] if unit.store else []
        for space, start, stop in unit.busy:
            local = unit.store is not None and unit.store.local is not None and unit.store.local.writes
            written = space == at.ACTIVATIONS and (space, start, stop) == local
            place = len(at.BUSY_SPACES) - 1 if written else at.BUSY_SPACES.index(space)
            busy[:, number, place] = start, stop
    node = node_of(Convolution(batch=1, c_in=1, c_out=1, height=1, width=1, kernel=(1, 1)))
    return Units.of(
        units=_columns(units, f.UNIT_FIELDS),
        spans=_columns(spans, f.SPAN_FIELDS),
        busy_start=busy[0].ravel(),
        busy_stop=busy[1].ravel(),
        passes=_columns(passes, f.PASS_FIELDS),
        loads=_columns(loads, f.LOAD_FIELDS),
        stores=_columns(stores, f.STORE_FIELDS),
        walks=list(walks),
        commands=list(commands),
        tiles=tiles,
        outputs=[(node, 0)],
    )


def _columns(rows: Sequence[tuple[int, ...]], fields: int) -> Int64Array:
    return np.array(rows, np.int64).reshape(-1, fields).T


def _span(ranges: Sequence[Range | None], space: Space) -> tuple[int, int]:
    return next(((r.start, r.stop) for r in ranges if r is not None and r.space == space), (NOWHERE, NOWHERE))


def _pass_row(op: PassOp, command: int, tiles: list[TileStatistics]) -> tuple[int, ...]:
    pixels = op.command.pixels
    own = op.steps, pixels * (op.command.beat > 0), pixels * op.command.last
    reads = [_span(op.reads, space) for space in (Space.ACTIVATIONS, Space.TABLE, Space.WEIGHTS)]
    loaded = NOWHERE
    if op.tile is not None:
        loaded = len(tiles)
        tiles.append(op.tile)
    return *own, *itertools.chain(*reads), command, loaded, op.words, op.base


def _load_row(load: Load | Clear, spans: int, beats: int) -> tuple[int, ...]:
    if isinstance(load, Clear):
        clocks = sum(stop - start + ZERO_CLOCKS for start, stop in load.spans)
        return *load.writes, NOWHERE, NOWHERE, spans, clocks, 0, 0, load.writes.start, 0, 0
    _, source, stop = load.reads
    lines = load.width, load.pitch, load.to, load.period, load.bank
    return *load.writes, source, stop, spans, load.count * beats + LOAD_CLOCKS, *lines


def _store_row(op: StoreOp) -> tuple[int, ...]:
    local, residual = op.local, NOWHERE if op.residual_at is None else op.residual_at
    reads = _span(op.reads, Space.PARAMETERS) + _span(op.reads, Space.RESIDUAL)
    lines = (local.width, local.pitch) if local else (0, 0)
    place = (local.to, local.period, local.bank) if local else (NOWHERE,) * 3
    writes = _span([op.writes], Space.MEMORY) + _span([local.writes if local else None], Space.ACTIVATIONS)
    own = op.address, op.block, residual, op.count, 0, op.node
    return op.count * op.pool, *reads, *writes, *lines, *own, *place
