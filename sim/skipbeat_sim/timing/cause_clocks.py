"""What the array did in every clock, from what is known of each pass."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.registers import Cause

_CAUSES = (Cause.IDLE, Cause.TILE_WAIT, Cause.HAZARD, Cause.ACTIVATION_WAIT, Cause.COMPUTE, Cause.OUTPUT_WAIT)


class PassClocks(NamedTuple):
    """When passes ran, all int64 [passes].

    Attributes:
        waiting: last clock in which no pass is queued; take: the one in which it is taken. Between them the array
            waits for its tile (`load`) or for the pass before.
        first, last: its first and last step; activations are waited for until `first`.
        beat: steps of a pixel; pixels: of the pass.
        item: of a last pass the number of its first item, whose steps may wait for the output stage; otherwise -1.
    """

    waiting: Int64Array
    take: Int64Array
    load: Int64Array
    first: Int64Array
    last: Int64Array
    beat: Int64Array
    pixels: Int64Array
    item: Int64Array


class CauseClocks:
    """Clocks by cause up to any clock.

    Args:
        passes: in order, int64 [passes, fields of `PassClocks`].
        closed: last steps of all items of last passes, int64 [items].
        times: how often each pass comes, int64 [passes], or all of them.
        later: clocks that what is left out before each pass takes, int64 [passes]. What is left out cannot be looked
            into.
    """

    def __init__(
        self, passes: Int64Array, closed: Int64Array, times: Int64Array | int = 1, later: Int64Array | int = 0
    ) -> None:
        self._passes = passes
        waiting, take, load, first, last, beat, pixels, item = self._passes.T
        #: Last step of the pass before each one, and that of the last pass.
        self._free = np.concatenate([[-1], last])
        steps, kinds = beat * pixels, load != 0
        counts = times * np.stack(
            [
                waiting - self._free[:-1],
                np.where(kinds, take - waiting, 0),
                np.where(kinds, 0, take - waiting),
                first - 1 - take,
                steps,
                last - first + 1 - steps,
            ]
        )
        #: Items of passes that waited, for as long as this is kept; others have a step in every clock.
        waited = (last - first + 1 > steps) & (item >= 0)
        self._closed = closed[np.repeat(waited[item >= 0], pixels[item >= 0])] if waited.any() else closed[:0].copy()
        self._item = np.where(waited, np.cumsum(waited * pixels) - pixels, -1)
        self._later = np.broadcast_to(later, len(passes))
        self._ends = last + self._later
        #: Clocks of all passes before each one, and of all, in the order of `_CAUSES`.
        self._before = np.concatenate([np.zeros((len(_CAUSES), 1), np.int64), counts.cumsum(axis=1)], axis=1)

    def until(self, clock: int) -> dict[Cause, int]:
        """Clocks 0 to `clock`, that one included, by what the array did; their sum is `clock` + 1."""
        ended = int(np.searchsorted(self._ends, clock, side="right"))
        counts = dict(zip(_CAUSES, self._before[:, ended].tolist(), strict=True))
        clock -= int(self._later[min(ended, len(self._passes) - 1)]) if len(self._passes) else 0
        if ended == len(self._passes):
            counts[Cause.IDLE] += clock - int(self._free[-1])
            return counts
        waiting, take, load, first = self._passes[ended, :4].tolist()
        free = int(self._free[ended])
        ends = [min(each, clock) for each in (free, waiting, take, first - 1)]
        idle, gap, activations = (after - before for before, after in pairwise(ends))
        steps = self._begun_steps(ended, clock)
        counts[Cause.IDLE] += idle
        counts[Cause.TILE_WAIT if load else Cause.HAZARD] += gap
        counts[Cause.ACTIVATION_WAIT] += activations
        counts[Cause.COMPUTE] += steps
        counts[Cause.OUTPUT_WAIT] += clock - ends[-1] - steps
        return counts

    def _begun_steps(self, number: int, clock: int) -> int:
        """Steps up to a clock of a pass that goes on after it."""
        first, beat, pixels = (int(each) for each in self._passes[number, [3, 5, 6]])
        item = int(self._item[number])
        if item < 0:
            return max(0, clock - first + 1)
        begin = self._closed[item : item + pixels] - beat
        return int(np.clip(clock - begin, 0, beat).sum())
