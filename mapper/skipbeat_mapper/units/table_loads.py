"""When the table entries of a node are loaded, and where to."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from skipbeat_arch.machine import Machine

from ..memory_map import PlacedNode
from ..placing.regions import Region
from ..tiles.column_tiles import Placed
from .activation_loads import table_load
from .on_chip import OnChip
from .unit import Load


class TableLoads:
    """Places a node's runs of table entries: each stays until the table, a ring, has turned round."""

    def __init__(self, prepared: PlacedNode, chip: OnChip, machine: Machine) -> None:
        self._prepared, self._chip, self._machine = prepared, chip, machine
        self._tables = prepared.tables
        #: Entry on the chip with which each run begins.
        self._starts: dict[int, int] = {}

    def pieces(
        self, region: Region, column: int, part: Sequence[Placed]
    ) -> Iterator[tuple[Sequence[Placed], list[Load]]]:
        """Tiles of a column tile that follow one another and need one run, with its load if it is not there.

        A piece must be planned before the next one is taken, whose run may come in the place of its own.
        """
        if len(self._tables.runs) <= 1:
            yield part, self._load(0) if self._tables.runs else []
            return

        def run(placed: Placed) -> int:
            entry = self._tables.entry(region, column, placed.tile.number)
            return entry[0] if entry else -1

        for number, piece in itertools.groupby(part, run):
            yield list(piece), self._load(number) if number >= 0 else []

    def start(self, region: Region, column: int, piece: Sequence[Placed]) -> int:
        """Where the run of a piece begins on the chip, once it is loaded; 0 for one that needs none."""
        found = self._tables.entry(region, column, piece[0].tile.number) if len(self._tables.runs) > 1 else (0, 0)
        return self._starts.get(found[0], 0) if found else 0

    def _load(self, run: int) -> list[Load]:
        prepared, (first, stop) = self._prepared, self._tables.runs[run]
        source = prepared.table_at + first * self._machine.table_vectors
        self._starts[run], new = self._chip.table.keep(source, stop - first)
        return [table_load(self._machine, source, self._starts[run], stop - first)] if new else []
