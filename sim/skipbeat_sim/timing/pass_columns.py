"""The passes of a program as columns of numbers: few commands and few tiles are different ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeVar

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.command import Command, CoreError, command_error
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.tile import TileStatistics

Thing = TypeVar("Thing")


class PassFields(NamedTuple):
    """What passes say, all int64 [passes]."""

    pixels: Int64Array
    beat: Int64Array
    rows: Int64Array
    load: Int64Array
    first: Int64Array
    last: Int64Array


@dataclass(frozen=True, kw_only=True, eq=False)
class PassColumns:
    """Passes in their order.

    Attributes:
        command: number of each one's command among `commands`, int64 [passes].
        tile: of those that load one its number among `tiles`, int64 [loads].
        commands, tiles: the different ones.
        times: how often each comes, int64 [passes], or all of them.
    """

    command: Int64Array
    tile: Int64Array
    commands: Sequence[Command]
    tiles: Sequence[TileStatistics]
    times: Int64Array | int = 1

    @classmethod
    def of(cls, commands: Sequence[Command], tiles: Sequence[TileStatistics]) -> PassColumns:
        """The columns of passes and of the tiles that they load, both in order.

        Raises:
            InputError: another number of tiles than of commands that load one.
        """
        loads = sum(command.load for command in commands)
        if loads != len(tiles):
            raise InputError(f"program: {loads} commands load a tile, but there are {len(tiles)} tiles")
        command, different_commands = numbered(commands)
        tile, different_tiles = numbered(tiles)
        return cls(command=command, tile=tile, commands=different_commands, tiles=different_tiles)

    def __len__(self) -> int:
        return self.command.size

    @cached_property
    def fields(self) -> PassFields:
        """What each pass says."""
        rows = [(c.pixels, c.beat, c.rows, c.load, c.first, c.last) for c in self.commands]
        return PassFields(*np.array(rows, np.int64).reshape(-1, len(PassFields._fields))[self.command].T)

    @cached_property
    def resident(self) -> Int64Array:
        """The place in `tile` of the one that is in the array while a pass runs, int64 [passes]; -1: none yet."""
        return np.cumsum(self.fields.load) - 1

    def some(self, numbers: Int64Array) -> PassColumns:
        """These passes alone, in ascending order."""
        loads = self.resident[numbers][self.fields.load[numbers] == 1]
        command, tile = self.command[numbers], self.tile[loads]
        times = self.times if isinstance(self.times, int) else self.times[numbers]
        return PassColumns(command=command, tile=tile, commands=self.commands, tiles=self.tiles, times=times)

    def of_tiles(self, values: Sequence[int]) -> Int64Array:
        """A number of each tile of `tiles`, int64 [loads] for those that are loaded."""
        return np.array(values, np.int64)[self.tile] if len(values) else np.zeros(0, np.int64)

    @property
    def tile_times(self) -> Int64Array | int:
        """How often each tile is loaded, int64 [loads], or all of them."""
        return self.times if isinstance(self.times, int) else self.times[self.fields.load == 1]

    def sum_of_tiles(self, values: Sequence[int]) -> int:
        """The sum of a number of each tile of `tiles`, as often as it is loaded."""
        return int((self.of_tiles(values) * self.tile_times).sum())

    def check(self, hw: Hardware) -> None:
        """Refuse what the core would answer with an error.

        Raises:
            InputError: a command that the core refuses, one that does not describe its tile, or one that uses a tile
                again which is not resident.
        """
        for command in self.commands:
            error = command_error(command, hw)
            if error != CoreError.NONE:
                raise InputError(f"program: the core answers {command} with {error.name}")
        described = [(c.encoding, c.beat, c.rows, c.cols) for c in self.commands]
        loading = self.command[self.fields.load == 1]
        for key in np.unique(loading * len(self.tiles) + self.tile).tolist():
            number, tile = divmod(key, len(self.tiles))
            found = self.tiles[tile]
            if described[number] != (found.encoding, found.beat, found.rows, found.cols):
                raise InputError(f"program: {self.commands[number]} does not describe the tile that it loads")
        _, beat, rows, load, _, _ = self.fields
        resident = np.maximum.accumulate(np.where(load == 1, np.arange(len(self)), -1))
        same = (beat[resident] == beat) & (rows[resident] == rows) & (resident >= 0)
        again = np.flatnonzero((beat > 0) & ~same)
        if again.size:
            command = self.commands[self.command[again[0]]]
            raise InputError(f"program: {command} uses a tile again that is not resident")


def numbered(every: Sequence[Thing]) -> tuple[Int64Array, list[Thing]]:
    """Of each object its number among the different ones, int64 [objects], and these."""
    numbers: dict[int, int] = {}
    places = np.array([numbers.setdefault(id(each), len(numbers)) for each in every], np.int64)
    known = dict(zip(map(id, every), every, strict=True))
    return places, [known[each] for each in numbers]
