"""The passes of a unit as a few numbers, and all passes of a program as columns; few are ever made one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple, overload

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.command import Command, Encoding
from skipbeat_arch.tile import TileStatistics

from ..order.places import NOWHERE
from ..tiles.column_tiles import ColumnTile, Placed, PlacedPart
from .unit import PassOp, Range, Space

#: More pixels than any pass has.
_PIXELS = 1 << 20
_READ_BY_PASS = {Space.ACTIVATIONS: 0, Space.TABLE: 1, Space.WEIGHTS: 2}


@lru_cache(maxsize=4096)
def command_of(tile: TileStatistics, pixels: int, load: bool, first: bool, last: bool) -> Command:
    """The pass of a tile; few differ, so each is made once."""
    command = tile.command(pixels, first=first, last=last)
    return command if load else replace(command, load=False, encoding=Encoding.DENSE)


@dataclass(kw_only=True, eq=False, slots=True)
class PassRun(Sequence[PassOp]):
    """Passes of tiles of one column tile over the same pixels, one after the other.

    Attributes:
        tiles: in the order of their passes.
        column: the column tile.
        places: what a pass of each of its tiles reads, see `offset_tables.NodeTables.places`.
        start: entry of the first pixel's first tap in plane 0. pixels: of the walk; reach: from its first entry to the
            last one.
        table: entry on the chip of the first of the node's table entries that are there.
        first, last: whether they are the first and the last ones of their pixels.
        load: whether the first tile has to be loaded into the array.
    """

    tiles: Sequence[Placed]
    column: ColumnTile
    places: Int64Array
    start: int
    pixels: int
    reach: int
    table: int
    first: bool
    last: bool
    load: bool

    def __len__(self) -> int:
        return len(self.tiles)

    @overload
    def __getitem__(self, number: int) -> PassOp: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[PassOp]: ...
    def __getitem__(self, number: int | slice) -> PassOp | Sequence[PassOp]:
        if isinstance(number, slice):
            return [self[each] for each in range(len(self))[number]]
        number = range(len(self))[number]
        tile, at = self.tiles[number]
        load, last = self.load or number > 0, number == len(self) - 1
        command = command_of(tile.statistics, self.pixels, load, self.first and not number, self.last and last)
        base, begin, stop, entry = (self.places[tile.place] + [self.start, self.start, self.start, self.table]).tolist()
        table = entry if entry >= self.table else 0
        reads = Range(Space.ACTIVATIONS, begin, stop + self.reach), Range(Space.TABLE, table, table + 1)
        if not load:
            return PassOp(command, base=base, table=table, reads=reads)
        words = Range(Space.WEIGHTS, at, at + tile.words)
        return PassOp(command, tile.words, at, base, table, (*reads, words), tile.statistics)


class PassTable(NamedTuple):
    """All passes of a program.

    Attributes:
        command: the number of each one's command, int64 [passes]. commands: the different ones.
        tile: of those that load one the number of its statistics, int64 [loads]. tiles: the different ones.
        words: of each pass, int64 [passes].
        ranges: entries, table entries and words that each reads, from and to, or `NOWHERE`; int64 [6, passes].
        begins: the first pass of each unit, and how many there are, int64 [units + 1].
    """

    command: Int64Array
    commands: Sequence[Command]
    tile: Int64Array
    tiles: Sequence[TileStatistics]
    words: Int64Array
    ranges: Int64Array
    begins: Int64Array


def pass_table(every: Sequence[Sequence[PassOp]]) -> PassTable:
    """The passes of units, in order."""
    return _Filling(every).table()


def walked_from(runs: Sequence[PassRun]) -> tuple[int, int]:
    """The least and the most of the entries from which passes of runs walk; there is at least one run."""
    bases = _bases(runs)
    return int(bases.min()), int(bases.max())


def pass_bases(every: Sequence[Sequence[PassOp]]) -> Int64Array:
    """The entry from which each pass of units walks, int64 [passes]."""
    lengths = [len(each) for each in every]
    is_run = np.array([isinstance(each, PassRun) for each in every], np.bool_)
    bases = np.zeros(sum(lengths), np.int64)
    of_runs = np.repeat(is_run, lengths)
    if runs := [each for each in every if isinstance(each, PassRun)]:
        bases[of_runs] = _bases(runs)
    bases[~of_runs] = [op.base for each in every if not isinstance(each, PassRun) for op in each]
    return bases


def _bases(runs: Sequence[PassRun]) -> Int64Array:
    """The same of runs, of which there is at least one."""
    of, _, place = _passes_of(runs)
    starts = np.array([run.start for run in runs], np.int64)
    bases: Int64Array = starts[of] + _gathered([run.places for run in runs], of, place)[:, 0]
    return bases


class _Filling:
    """Fills the columns of passes."""

    def __init__(self, every: Sequence[Sequence[PassOp]]) -> None:
        begins = list(accumulate(map(len, every), initial=0))
        self._begins = np.array(begins, np.int64)
        self._commands: dict[Command, int] = {}
        self._tiles: dict[int, int] = {}
        self._statistics: list[TileStatistics] = []
        self._command, self._words = np.zeros((2, begins[-1]), np.int64)
        self._tile = np.full(begins[-1], NOWHERE, np.int64)
        self._ranges = np.full((6, begins[-1]), NOWHERE, np.int64)
        runs = [(begin, each) for begin, each in zip(begins, every, strict=False) if isinstance(each, PassRun)]
        for begin, each in zip(begins, every, strict=False):
            if not isinstance(each, PassRun):
                self._fill_each(begin, each)
        if runs:
            self._fill_runs(*zip(*runs, strict=True))

    def table(self) -> PassTable:
        """What was filled."""
        loads = self._tile[self._tile != NOWHERE]
        commands, tiles = list(self._commands), self._statistics
        return PassTable(self._command, commands, loads, tiles, self._words, self._ranges, self._begins)

    def _number(self, command: Command) -> int:
        return self._commands.setdefault(command, len(self._commands))

    def _kind(self, tile: TileStatistics) -> int:
        """The number of a tile's statistics."""
        number = self._tiles.setdefault(id(tile), len(self._tiles))
        if number == len(self._statistics):
            self._statistics.append(tile)
        return number

    def _fill_each(self, begin: int, passes: Sequence[PassOp]) -> None:
        for number, op in enumerate(passes, begin):
            self._command[number], self._words[number] = self._number(op.command), op.words
            if op.tile is not None:
                self._tile[number] = self._kind(op.tile)
            for space, start, stop in op.reads:
                kind = 2 * _READ_BY_PASS[space]
                self._ranges[kind : kind + 2, number] = start, stop

    def _fill_runs(self, begins: Sequence[int], runs: Sequence[PassRun]) -> None:
        of, within, place = _passes_of(runs)
        at, counts = np.array(begins, np.int64)[of] + within, np.bincount(of)
        rows = [(r.start, r.pixels, r.reach, r.table, _shift(r.tiles), r.first, r.last, r.load) for r in runs]
        start, pixels, reach, table, shift, first, last, load = np.array(rows, np.int64).T[:, of]

        columns = {id(run.column): run.column for run in runs}
        kinds = {
            number: np.array([self._kind(tile) for tile in each.statistics], np.int64)[each.kind]
            for number, each in columns.items()
        }
        words, first_word = _gathered([run.column.words for run in runs], of, place).T
        kind = _gathered([kinds[id(run.column)] for run in runs], of, place)
        _, begin, stop, entry = _gathered([run.places for run in runs], of, place).T

        load, first, last = load | (within > 0), first & (within == 0), last & (within == counts[of] - 1)
        self._command[at] = self._command_numbers(kind, pixels, load, first, last)
        self._words[at] = np.where(load, words, 0)
        self._tile[at] = np.where(load, kind, NOWHERE)
        entry = np.where(entry >= 0, table + entry, 0)
        word = np.where(load, [first_word + shift, first_word + shift + words], NOWHERE)
        self._ranges[:, at] = np.stack([start + begin, start + stop + reach, entry, entry + 1, *word])

    def _command_numbers(
        self, kind: Int64Array, pixels: Int64Array, load: Int64Array, first: Int64Array, last: Int64Array
    ) -> Int64Array:
        """The numbers of commands, all int64 [passes]."""
        keys, numbers = np.unique((kind * _PIXELS + pixels) * 8 + load * 4 + first * 2 + last, return_inverse=True)
        fields = keys >> 3
        made = [
            self._number(command_of(self._statistics[tile], size, bool(bits & 4), bool(bits & 2), bool(bits & 1)))
            for tile, size, bits in zip(*(each.tolist() for each in (*divmod(fields, _PIXELS), keys & 7)), strict=True)
        ]
        return np.array(made, np.int64)[numbers]


def _passes_of(runs: Sequence[PassRun]) -> tuple[Int64Array, Int64Array, Int64Array]:
    """Of each pass the number of its run, its own number there, and the place of its tile, all int64 [passes]."""
    places = [_tile_places(run.tiles) for run in runs]
    counts = np.array([each.size for each in places], np.int64)
    of, place = np.repeat(np.arange(counts.size), counts), np.concatenate(places)
    return of, np.arange(of.size) - (np.cumsum(counts) - counts)[of], place


def _shift(tiles: Sequence[Placed]) -> int:
    """Where the first word of their column tile would be."""
    return tiles.shift if isinstance(tiles, PlacedPart) else tiles[0].shift


def _tile_places(tiles: Sequence[Placed]) -> Int64Array:
    """Of tiles the places among those of their column tile, int64 [tiles]."""
    if isinstance(tiles, PlacedPart):
        return tiles.part.places
    return np.array([tile.place for tile, _ in tiles], np.int64)


def _gathered(tables: Sequence[Int64Array], of: Int64Array, place: Int64Array) -> Int64Array:
    """Of each pass the row `place` in the table of its run; few tables are different ones."""
    different = {id(each): each for each in tables}
    ends = dict(zip(different, accumulate((len(each) for each in different.values()), initial=0), strict=False))
    begins = np.array([ends[id(each)] for each in tables], np.int64)
    rows: Int64Array = np.concatenate(list(different.values()))[begins[of] + place]
    return rows
