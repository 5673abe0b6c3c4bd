"""Units as columns of numbers: what the order of instructions and their tokens depend on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np

from skipbeat_arch.arrays import Int64Array

from ..order import places as at
from ..order.places import NOWHERE, ZERO_CLOCKS
from ..units.pass_runs import PassTable, pass_table
from ..units.unit import Clear, Load, PassOp, Range, Space, StoreOp, Unit, Walk

#: Clocks that a LOAD costs beside those of its data.
LOAD_CLOCKS = 8
_NONE = (NOWHERE, NOWHERE)


@dataclass(frozen=True, eq=False)
class UnitObjects:
    """What the numbers in the columns stand for."""

    units: Sequence[Unit]
    walks: list[Walk]
    table: PassTable
    loads: list[Load | Clear]
    stores: list[StoreOp]

    @cached_property
    def passes(self) -> list[PassOp]:
        """The passes one by one, made when they are asked for."""
        return [op for unit in self.units for op in unit.passes]


def unit_columns(units: Sequence[Unit], beats: int) -> tuple[dict[int, Int64Array], UnitObjects]:
    """Units as all columns of `order.places` that are read, and the objects that they are made of, in the same order.

    Args:
        units: in program order.
        beats: of a vector.
    """
    walks, numbers = dict[Walk, int](), dict[int, int]()
    for each in {id(unit.walk): unit.walk for unit in units}.values():  # few are different objects
        numbers[id(each)] = walks.setdefault(each, len(walks))
    walk = np.array([numbers[id(unit.walk)] for unit in units], np.int64)
    table = pass_table([unit.passes for unit in units])
    loads = [load for unit in units for load in unit.loads]
    stores = [unit.store for unit in units if unit.store is not None]
    stored = np.array([unit.store is not None for unit in units], np.bool_)
    columns = {
        at.NODE: np.array([unit.node for unit in units], np.int64),
        at.WALK: walk,
        at.FIRST_PASS: table.begins,
        at.FIRST_LOAD: _begins(len(unit.loads) for unit in units),
        at.UNIT_STORE: np.where(stored, np.cumsum(stored) - 1, NOWHERE),
        **_passes(table),
        **_loads(loads, beats),
        **_stores(stores),
    }
    return columns | _busy(columns), UnitObjects(units, list(walks), table, loads, stores)


def _begins(counts: Iterable[int]) -> Int64Array:
    return np.array(list(accumulate(counts, initial=0)), np.int64)


def _table(rows: Sequence[tuple[int, ...]], first: int, width: int) -> dict[int, Int64Array]:
    """Columns from `first` on, of rows."""
    return dict(enumerate(np.array(rows, np.int64).reshape(-1, width).T, first))


def _passes(table: PassTable) -> dict[int, Int64Array]:
    rows = [(max(1, c.beat) * c.pixels, c.pixels * (c.beat > 0), c.pixels * c.last) for c in table.commands]
    own = np.array(rows, np.int64).reshape(-1, 3)[table.command]
    return dict(enumerate(own.T, at.STEPS)) | dict(enumerate(table.ranges, at.ENTRIES_START))


def _loads(loads: Sequence[Load | Clear], beats: int) -> dict[int, Int64Array]:
    rows, spans, begins = list[tuple[int, ...]](), list[tuple[int, int]](), list[int]()
    for load in loads:
        begins.append(len(spans))
        if isinstance(load, Clear):
            spans += load.spans
            clocks = sum(stop - start + ZERO_CLOCKS for start, stop in load.spans)
            rows.append((*load.writes, *_NONE, begins[-1], clocks, 0, 0))
        else:
            source, clocks = load.source, load.count * beats + LOAD_CLOCKS
            rows.append((*load.writes, source, source + load.count, begins[-1], clocks, load.width, load.pitch))
    found = _table(rows, at.SPACE, 9)
    return found | {at.FIRST_SPAN: np.append(found[at.FIRST_SPAN], len(spans))} | _table(spans, at.SPAN_START, 2)


def _stores(stores: Sequence[StoreOp]) -> dict[int, Int64Array]:
    def row(op: StoreOp) -> tuple[int, ...]:
        reads = {each.space: each[1:] for each in op.reads}
        memory, local = op.writes, op.local
        banks = local.writes if local else None
        read = *reads.get(Space.PARAMETERS, _NONE), *reads.get(Space.RESIDUAL, _NONE)
        lines = (local.width, local.pitch) if local else (0, 0)
        return op.count * op.pool, *read, *_span(memory), *_span(banks), *lines

    return _table([row(op) for op in stores], at.ITEMS, 11)


def _span(written: Range | None) -> tuple[int, int]:
    return _NONE if written is None else (written.start, written.stop)


def _busy(columns: dict[int, Int64Array]) -> dict[int, Int64Array]:
    """What the passes of each unit read, a range of each memory, and what its store reads and writes."""
    store, begins = columns[at.UNIT_STORE], columns[at.FIRST_PASS][:-1]
    start, stop = np.full((2, store.size, at.BUSY), NOWHERE, np.int64)
    for number in range(3):
        first, last = (columns[at.ENTRIES_START + 2 * number + each] for each in (0, 1))
        if store.size:
            least = np.minimum.reduceat(np.where(first == NOWHERE, np.iinfo(np.int64).max, first), begins)
            most = np.maximum.reduceat(last, begins)
            start[:, number], stop[:, number] = np.where(most == NOWHERE, NOWHERE, least), most
    stored = np.flatnonzero(store != NOWHERE)
    for number in range(4):
        first, last = (columns[at.PARAMETERS_START + 2 * number + each] for each in (0, 1))
        start[stored, 3 + number], stop[stored, 3 + number] = first[store[stored]], last[store[stored]]
    return {at.BUSY_START: start.ravel(), at.BUSY_STOP: stop.ravel()}
