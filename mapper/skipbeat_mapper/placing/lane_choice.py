"""Which lanes of a folded pixel carry the weights of a kernel.

Taps of a folded kernel may overlap: a pixel of the image is then in several positions, in another lane of each, and its
weight may sit in any of them. What counts is how many weights a cell gets (a bank's lanes in one tap of one kernel
row): each bank's rows take its cells with the fullest ones first, and a tile takes as many steps as its fullest cell.
So the search asks for steps tile by tile, say 4, 4 and 2, and moves weights until no cell is too full for its place.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial

import numpy as np

from skipbeat_arch.arrays import BoolArray, Int64Array
from skipbeat_arch.machine import Machine

from .banks import Banks

#: A bank, and a tap of the kernel.
Cell = tuple[int, int]
#: Row, column and channel of a weight.
Weight = tuple[int, int, int]

#: Taps of a kernel row beyond those that cover it.
EXTRA_TAPS = 3
#: Descents that are tried for a kernel, times its weights squared: what they take grows so.
EFFORT = 6_000_000
#: Banks among which sets are looked at one by one.
MOST_BANKS = 8


@dataclass(frozen=True, kw_only=True)
class Lanes:
    """How a kernel reads folded pixels.

    Tap t of a kernel row has kernel columns `first + t · spacing` and the `copies - 1` after it in its lanes.

    Attributes:
        copies, depth: kernel columns in a tap, and lanes of each.
        spacing: kernel columns from one tap to the next.
        first: of the first tap, 0 or less.
        taps: of a kernel row.
        chosen: the tap of every weight, int64 [rows, columns, channels].
    """

    copies: int
    depth: int
    spacing: int
    first: int
    taps: int
    chosen: Int64Array

    @property
    def copy(self) -> Int64Array:
        """Which of its tap's kernel columns every weight belongs to, int64 [rows, columns, channels]."""
        columns = np.arange(self.chosen.shape[1])[:, None]
        return columns - self.first - self.chosen * self.spacing

    @property
    def off_centre(self) -> int:
        """How far the middle of all taps is from the kernel's, in half columns."""
        columns: int = self.chosen.shape[1]
        return 2 * self.first + (self.taps - 1) * self.spacing + self.copies - columns


def side_by_side(shape: tuple[int, int, int], copies: int, depth: int) -> Lanes:
    """Taps without overlap: every weight has one place. `shape` is that of `present` in `overlapping`."""
    rows, columns, channels = shape
    chosen = np.broadcast_to(np.arange(columns)[:, None] // copies, (rows, columns, channels))
    return Lanes(copies=copies, depth=depth, spacing=copies, first=0, taps=-(-columns // copies), chosen=chosen)


def overlapping(present: BoolArray, machine: Machine, spacings: Sequence[int], below: int) -> Lanes | None:
    """Taps that overlap, with the fewest steps that are found for a pixel; None if not fewer than `below`.

    Args:
        present: where any output has a weight.
        spacings: that taps may have.
    """
    copies = machine.vector // present.shape[2]
    banks = Banks.of(copies * present.shape[2], machine)
    return _overlapping(present.tobytes(), present.shape, copies, banks, tuple(spacings), below)


@lru_cache(maxsize=256)
def _overlapping(
    data: bytes, shape: tuple[int, ...], copies: int, banks: Banks, spacings: tuple[int, ...], below: int
) -> Lanes | None:
    """The same; equal kernels are searched once, with all weights or any memory."""
    present = np.frombuffer(data, np.bool_).reshape(shape)
    weights = int(present.sum())
    every = [lanes for spacing in spacings for lanes in _taps(shape, copies, spacing)]
    every.sort(key=lambda lanes: (lanes.taps, abs(lanes.off_centre)))
    least = -(-weights // banks.rows)
    starts = (
        (number, tiles)
        for steps in range(least, below)
        for tiles in _tiles(steps, banks.group)
        for number in range(len(every))
    )
    descents: dict[int, _Descent] = {}
    fullest = _fullest_banks(present, every, banks)
    for number, tiles in itertools.islice(starts, EFFORT // max(weights, 1) ** 2):
        if fullest[number] > banks.taps * sum(tiles):
            continue
        if number not in descents:
            descents[number] = _Descent(present, every[number], banks)
        found = descents[number].run(tiles)
        if found is not None:
            return found
    return None


def _taps(shape: tuple[int, ...], copies: int, spacing: int) -> Iterator[Lanes]:
    """All taps with such a spacing that cover a kernel row, none of them beside it; weights in the first one."""
    columns = shape[1]
    fewest = -(-max(columns - copies, 0) // spacing) + 1
    for taps in range(fewest, fewest + EXTRA_TAPS + 1):
        reach = (taps - 1) * spacing
        for first in range(max(1 - copies, columns - reach - copies), min(0, columns - 1 - reach) + 1):
            earliest = np.maximum(0, -(-(np.arange(columns) - first - copies + 1) // spacing))
            chosen = np.broadcast_to(earliest[:, None], shape)
            yield Lanes(copies=copies, depth=shape[2], spacing=spacing, first=first, taps=taps, chosen=chosen)


def _fullest_banks(present: BoolArray, every: Sequence[Lanes], banks: Banks) -> list[int]:
    """Of each way at least so many weights are in one of the banks: of those that may only sit in some, their share."""
    if banks.period > MOST_BANKS:
        return [0] * len(every)
    _, columns, channels = present.shape
    sets = np.zeros((len(every), columns, channels), np.int64)  # of banks in which a weight of a kernel row may sit
    first, spacing, taps = np.array([(each.first, each.spacing, each.taps) for each in every]).T[:, :, None]
    copies, depth = every[0].copies, every[0].depth
    for tap in range(taps.max()):
        copy = np.arange(columns) - first - tap * spacing
        bank = (np.clip(copy, 0, copies - 1)[..., None] * depth + np.arange(channels)) // banks.group
        sets |= ((copy >= 0) & (copy < copies) & (tap < taps))[..., None].astype(np.int64) << bank
    held = np.zeros((len(every), 1 << banks.period), np.int64)
    np.add.at(held, (np.arange(len(every))[:, None, None], sets), present.sum(axis=0))
    for bits in range(banks.period):  # then by sets that have all of these banks
        pairs = held.reshape(len(every), -1, 2, 1 << bits)
        pairs[:, :, 1] += pairs[:, :, 0]
    found: list[int] = (-(-held[:, 1:] // np.bitwise_count(np.arange(1, held.shape[1])))).max(axis=1).tolist()
    return found


def _cells(lanes: Lanes, banks: Banks, column: int, channel: int) -> list[Cell]:
    """Where a weight of the first kernel row may sit."""
    copies = [(tap, column - lanes.first - tap * lanes.spacing) for tap in range(lanes.taps)]
    return [((copy * lanes.depth + channel) // banks.group, tap) for tap, copy in copies if 0 <= copy < lanes.copies]


def _tiles(steps: int, most: int) -> Iterator[tuple[int, ...]]:
    """All ways to share steps among tiles, in falling order and at most `most` for each.

    Those without short tiles come first, as the next tile is decoded meanwhile, and of these the ones with few tiles.
    """
    for least in range(min(most, steps), 0, -1):
        for count in range(1, steps // least + 1):
            yield from ((*rest, least) for rest in _parts(steps - least, least, most, count - 1))


def _parts(total: int, least: int, most: int, count: int) -> Iterator[tuple[int, ...]]:
    """All ways to write `total` as `count` numbers from `most` down to `least`, the largest first."""
    if count == 0:
        if total == 0:
            yield ()
        return
    for part in range(min(total - (count - 1) * least, most), -(-total // count) - 1, -1):
        for rest in _parts(total - part, least, part, count - 1):
            yield part, *rest


class _Descent:
    """Moves weights from lane to lane until all cells fit, or no move brings them nearer to it.

    Args:
        present: where there are weights.
        lanes: where they may sit.
        banks: how the lanes lie in the banks.
    """

    def __init__(self, present: BoolArray, lanes: Lanes, banks: Banks) -> None:
        self._lanes, self._banks = lanes, banks
        self._taps = lanes.taps * present.shape[0]
        cells = cache(partial(_cells, lanes, banks))
        self._places = {
            (row, column, channel): [(bank, row * lanes.taps + tap) for bank, tap in cells(column, channel)]
            for row, column, channel in np.argwhere(present).tolist()
        }
        self._first = self._fullest()
        self._held: dict[Cell, set[Weight]] = {}
        #: Of each bank the weights in each of its taps, and its cells that have so many weights or more.
        self._counts, self._full = list[list[int]](), list[list[int]]()
        self._room, self._short = list[int](), list[int]()

    def run(self, tiles: tuple[int, ...]) -> Lanes | None:
        """The lanes with every weight in a place, so that tiles have so many steps; None if none are found."""
        self._start(tiles)
        while any(self._short):
            improved = [cell for cell in sorted(self._held) if self._improve(cell)]
            if not improved:
                return None
        chosen = self._lanes.chosen.copy()
        for (_, tap), held in self._held.items():
            for weight in held:
                chosen[weight] = tap % self._lanes.taps
        return dataclasses.replace(self._lanes, chosen=chosen)

    def _start(self, tiles: tuple[int, ...]) -> None:
        """Every weight in the first of its cells, with rows for so many steps."""
        held, counts, full = self._first
        self._held = {cell: set(weights) for cell, weights in held.items()}
        self._counts, self._full = [list(each) for each in counts], [list(each) for each in full]
        rows = self._banks.taps
        #: Rows of a bank that have room for so many weights or more.
        self._room = [rows * sum(steps >= count for steps in tiles) for count in range(len(full[0]))]
        #: Of each bank the weights of its cells that find no place, the fullest cells having the rows with most room.
        self._short = [sum(max(0, a - b) for a, b in zip(each[1:], self._room[1:], strict=True)) for each in full]

    def _fullest(self) -> tuple[dict[Cell, list[Weight]], list[list[int]], list[list[int]]]:
        """Every weight in the fullest of its cells: these, and of each bank what `_counts` and `_full` say."""
        held: dict[Cell, list[Weight]] = {}
        counts = [[0] * self._taps for _ in range(self._banks.period)]
        full = [[0] * (self._banks.group + 1) for _ in range(self._banks.period)]
        for weight, places in self._places.items():
            bank, tap = max(places, key=lambda cell: counts[cell[0]][cell[1]])
            counts[bank][tap] += 1
            full[bank][self._level(tap, counts[bank][tap])] += 1
            held.setdefault((bank, tap), []).append(weight)
        return held, counts, full

    def _level(self, tap: int, count: int) -> int:
        """How full the cell of a tap with so many weights is; the last taps share out theirs among several rows."""
        left = self._taps % self._banks.taps
        return count if tap < self._taps - left else -(-count // (self._banks.taps // left))

    def _improve(self, start: Cell) -> bool:
        """Takes a weight out of a cell of a bank that is too full, through others that take each other's place."""
        if not self._short[start[0]] or not self._surplus(start):
            return False
        before: dict[Cell, tuple[Cell, Weight]] = {}
        reached = [start]
        for cell in reached:
            for weight in sorted(self._held.get(cell, ())):
                for place in self._places[weight]:
                    if place != start and place not in before:
                        before[place] = cell, weight
                        reached.append(place)
        for end in reached[1:]:
            if self._has_room(end, start):
                self._move(start, end)
                while end != start:
                    cell, weight = before[end]
                    self._held[cell].remove(weight)
                    self._held.setdefault(end, set()).add(weight)
                    end = cell
                return True
        return False

    def _surplus(self, cell: Cell) -> bool:
        """Whether one weight more of a cell's bank finds a place if the cell has one less."""
        bank, tap = cell
        level = self._level(tap, self._counts[bank][tap])
        return self._full[bank][level] > self._room[level]

    def _has_room(self, cell: Cell, start: Cell) -> bool:
        """Whether one weight more in a cell finds a place, once the cell `start` has one less."""
        (bank, tap), (other, from_tap) = cell, start
        level = self._level(tap, self._counts[bank][tap] + 1)
        less = bank == other and level == self._level(from_tap, self._counts[other][from_tap])
        return self._full[bank][level] - less < self._room[level]

    def _move(self, start: Cell, end: Cell) -> None:
        """Takes a weight out of a cell, which finds no place there and finds one in the other."""
        bank, tap = start
        self._full[bank][self._level(tap, self._counts[bank][tap])] -= 1
        self._counts[bank][tap] -= 1
        self._short[bank] -= 1
        bank, tap = end
        self._counts[bank][tap] += 1
        self._full[bank][self._level(tap, self._counts[bank][tap])] += 1
