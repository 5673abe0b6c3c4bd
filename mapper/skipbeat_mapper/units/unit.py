"""What a plan is made of: loads, passes and stores with their places on the chip and in memory.

Memory addresses are in vectors, relative to the data that follows the instructions; on-chip places are in entries of
their memory.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property, lru_cache
from typing import NamedTuple

from skipbeat_arch.command import Command
from skipbeat_arch.depths import output_vectors
from skipbeat_arch.engines import Kind
from skipbeat_arch.tile import TileStatistics


class Space(IntEnum):
    """Where a range lies; the first five are numbered as `Kind`."""

    WEIGHTS = Kind.WEIGHTS
    ACTIVATIONS = Kind.ACTIVATIONS
    PARAMETERS = Kind.PARAMETERS
    RESIDUAL = Kind.RESIDUAL
    TABLE = Kind.TABLE
    MEMORY = 5


class Range(NamedTuple):
    """Entries `start` to before `stop` of one memory."""

    space: Space
    start: int
    stop: int

    def meets(self, other: Range) -> bool:
        """Whether they share an entry."""
        return self.space == other.space and self.start < other.stop and other.start < self.stop


@dataclass(kw_only=True, slots=True)
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


@dataclass(frozen=True, kw_only=True)
class Clear:
    """Entries of all activation banks that must be zero; only those that are not become ZEROs."""

    spans: tuple[tuple[int, int], ...]
    writes: Range


class Zero(NamedTuple):
    """A ZERO of the entries `writes` of all activation banks."""

    writes: Range


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


@lru_cache(maxsize=4096)
def walk_of(counts: tuple[int, int, int, int], steps: tuple[int, int, int, int]) -> Walk:
    """The walk of these loops; equal ones that follow one another are mostly the same object."""
    return Walk(counts=counts, steps=steps)


class PassOp(NamedTuple):
    """A PASS; `reads` are its weights, activations and table entry (none for a null pass), `tile` what it loads."""

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


@dataclass(kw_only=True, slots=True)
class Local:
    """Where a STORE writes in the activation banks: the fields of a PLACE; `writes` covers all of it."""

    to: int
    width: int
    pitch: int
    period: int
    bank: int
    writes: Range


@dataclass(kw_only=True, slots=True)
class StoreOp:
    """A STORE of `count` output vectors (items, if raw): to memory vector `address`, into the banks, or both.

    Attributes:
        writes: the memory that it writes.
        seed: of its draws; None: it is not stochastic. noted: its bytes, rounded half up, are noted.
        places: a second vector follows each.
    """

    address: int
    block: int
    low: int
    high: int
    raw: bool
    residual_at: int | None
    count: int
    pool: int
    reads: tuple[Range, ...]
    writes: Range | None
    local: Local | None
    seed: int | None = None
    noted: bool = False
    places: bool = False

    @property
    def vectors(self) -> int:
        """Of each output."""
        return output_vectors(raw=self.raw, places=self.places)

    @property
    def changes(self) -> list[Range]:
        """Everything that it writes."""
        return [r for r in (self.writes, self.local.writes if self.local else None) if r]


@dataclass(kw_only=True, eq=False)
class Unit:
    """What runs between two chances to load: the passes of a block and column tile, or a part of them.

    Attributes:
        node: number of the node, counted on from group to group of images.
        loads: what must be there before it starts, in order, and was not loaded for an earlier unit.
        store: begins before the passes that feed it; None in all but the first part of a block.
    """

    node: int
    walk: Walk
    passes: Sequence[PassOp]
    loads: tuple[Load | Clear, ...] = ()
    store: StoreOp | None = None

    @cached_property
    def busy(self) -> list[Range]:
        """What must not change while it runs: what its passes and its store read, a range of each memory, and write."""
        every = [r for p in self.passes for r in p.reads]
        every += self.store.reads if self.store else ()
        hulls: dict[Space, tuple[int, int]] = {}
        for space, start, stop in every:
            if space not in hulls:
                hulls[space] = start, stop
                continue
            first, last = hulls[space]
            if start < first or stop > last:
                hulls[space] = min(first, start), max(last, stop)
        changes = self.store.changes if self.store else []
        return [*(Range(space, start, stop) for space, (start, stop) in hulls.items()), *changes]
