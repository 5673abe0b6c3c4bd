"""The units of a program as columns of numbers, and what those numbers stand for.

Memory addresses are in vectors, relative to the data that follows the instructions; on-chip places are in entries of
their memory. A unit is what runs between two chances to load: the passes of a block and column tile, or a part of them,
with what must be there before it starts and was not loaded for an earlier one, and with the store that they feed, if
they are its first ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.command import Command
from skipbeat_arch.engines import Kind
from skipbeat_arch.graph import Node
from skipbeat_arch.tile import TileStatistics

from ..order import places as at
from ..order.places import NOWHERE
from .making import fields as f


class Space(IntEnum):
    """Where a range lies; the first five are numbered as `Kind`."""

    WEIGHTS = Kind.WEIGHTS
    ACTIVATIONS = Kind.ACTIVATIONS
    PARAMETERS = Kind.PARAMETERS
    RESIDUAL = Kind.RESIDUAL
    TABLE = Kind.TABLE
    MEMORY = 5


@dataclass(frozen=True, kw_only=True)
class Walk:
    """The four loops of a SETUP, innermost first."""

    counts: tuple[int, int, int, int]
    steps: tuple[int, int, int, int]

    @cached_property
    def items(self) -> int:
        """Activations that it reads from every bank."""
        return math.prod(self.counts)

    @cached_property
    def reach(self) -> int:
        """Distance from the first entry to the last one."""
        return sum((n - 1) * step for n, step in zip(self.counts, self.steps, strict=True))


@dataclass(frozen=True, eq=False)
class Units:
    """Units in program order; all arrays int64, as `making.fields` has them.

    Attributes:
        columns: all columns of `order.places` that are read.
        passes, loads, stores: [fields, passes], [fields, loads], [fields, stores].
        walks: by the numbers that units have for them. commands, tiles: by those of passes.
        outputs: of each node that stores have a number for, the node, and vectors of its output before its group's.
    """

    columns: Mapping[int, Int64Array]
    passes: Int64Array
    loads: Int64Array
    stores: Int64Array
    walks: Sequence[Walk]
    commands: Sequence[Command]
    tiles: Sequence[TileStatistics]
    outputs: Sequence[tuple[Node, int]]

    @classmethod
    def of(
        cls, units: Int64Array, spans: Int64Array, busy_start: Int64Array, busy_stop: Int64Array, **others: Any
    ) -> Units:
        """Units of what was made; of the busy ones int64 [units · BUSY], and `others` as the attributes."""
        passes, loads, stores = (others[name] for name in ("passes", "loads", "stores"))
        columns = {
            at.NODE: units[f.UNIT_NODE],
            at.WALK: units[f.UNIT_WALK],
            at.FIRST_PASS: np.append(units[f.UNIT_PASS], passes.shape[1]),
            at.FIRST_LOAD: np.append(units[f.UNIT_LOAD], loads.shape[1]),
            at.UNIT_STORE: units[f.UNIT_STORE],
            at.BUSY_START: busy_start,
            at.BUSY_STOP: busy_stop,
            **dict(enumerate(passes[: f.COMMAND], at.STEPS)),
            **dict(enumerate(loads[: f.TO], at.SPACE)),
            at.FIRST_SPAN: np.append(loads[f.FIRST_SPAN], spans.shape[1]),
            **dict(enumerate(spans, at.SPAN_START)),
            **dict(enumerate(stores[: f.ADDRESS], at.ITEMS)),
        }
        return cls(columns=columns, **others)

    def __len__(self) -> int:
        return self.columns[at.NODE].size

    @property
    def loaded(self) -> Int64Array:
        """The statistics of the tiles that passes load, int64 [loads]."""
        tiles: Int64Array = self.passes[f.LOADED][self.passes[f.LOADED] != NOWHERE]
        return tiles

    @property
    def of_loads(self) -> Int64Array:
        """The unit of each load, int64 [loads]."""
        return np.repeat(np.arange(len(self)), np.diff(self.columns[at.FIRST_LOAD]))

    @property
    def of_passes(self) -> Int64Array:
        """The unit of each pass, int64 [passes]."""
        return np.repeat(np.arange(len(self)), np.diff(self.columns[at.FIRST_PASS]))

    @property
    def of_stores(self) -> Int64Array:
        """The unit of each store, int64 [stores]."""
        return np.flatnonzero(self.columns[at.UNIT_STORE] != NOWHERE)
