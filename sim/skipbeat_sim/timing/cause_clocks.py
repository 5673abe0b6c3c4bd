"""What the array did in every clock, from what is known of each pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from skipbeat_arch.registers import Cause

IntArray = npt.NDArray[np.int64]


class PassClocks(NamedTuple):
    """When a pass ran.

    Attributes:
        waiting: last clock in which no pass is queued; take: the one in which it is taken. Between them the array
            waits for its tile (`load`) or for the pass before.
        first, last: its first and last step; activations are waited for until `first`.
        beat: steps of a pixel; pixels: of the pass.
        item: of a last pass the number of its first item, whose steps may wait for the output stage; otherwise -1.
    """

    waiting: int
    take: int
    load: bool
    first: int
    last: int
    beat: int
    pixels: int
    item: int


class CauseClocks:
    """Clocks by cause up to any clock.

    Args:
        passes: in order.
        closed: last steps of all items of last passes, int64 [items].
    """

    def __init__(self, passes: Sequence[PassClocks], closed: IntArray) -> None:
        self._closed = closed
        self._passes = np.array(passes, np.int64).reshape(-1, len(PassClocks._fields))
        #: Last step of the pass before each one, and that of the last pass.
        self._free = np.concatenate([[-1], self._passes[:, 4]])

    def until(self, clock: int) -> dict[Cause, int]:
        """Clocks 0 to `clock`, that one included, by what the array did; their sum is `clock` + 1."""
        begun = self._passes[: int(np.searchsorted(self._free[:-1], clock))]
        waiting, take, load, first, last, beat, pixels = begun[:, :7].T
        free, kinds = self._free[: len(begun)], load != 0
        waiting, take, before, last = (np.minimum(each, clock) for each in (waiting, take, first - 1, last))
        steps = beat * pixels
        if len(begun) and self._free[len(begun)] > clock:
            steps[-1] = self._begun_steps(len(begun) - 1, clock)
        return {
            Cause.COMPUTE: int(steps.sum()),
            Cause.TILE_WAIT: int((take - waiting)[kinds].sum()),
            Cause.HAZARD: int((take - waiting)[~kinds].sum()),
            Cause.ACTIVATION_WAIT: int((before - take).sum()),
            Cause.OUTPUT_WAIT: int((last - before - steps).sum()),
            Cause.IDLE: int((waiting - free).sum()) + max(0, clock - int(self._free[-1])),
        }

    def _begun_steps(self, number: int, clock: int) -> int:
        """Steps up to a clock of a pass that goes on after it."""
        first, beat, pixels, item = (int(each) for each in self._passes[number, [3, 5, 6, 7]])
        if item < 0:
            return max(0, clock - first + 1)
        begin = self._closed[item : item + pixels] - beat
        return int(np.clip(clock - begin, 0, beat).sum())
