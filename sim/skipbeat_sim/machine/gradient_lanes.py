"""The lanes of the output stage for training: sums to bytes by stochastic rounding, and what is noted of all bytes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.machine import Machine
from skipbeat_arch.training.jobs import ROUNDING_LATENCY
from skipbeat_arch.training.rounding import store_seed

from ..training.peak import Peak
from ..training.rounding import Rounding, RoundingJob

#: Clocks from sums to their bytes; for a noted job, also those to its scaled sums.
LATENCY, SCALED = 7, 4


@dataclass(slots=True)
class LaneBytes:
    """A byte of each lane, the first one lowest."""

    data: int


@dataclass(slots=True)
class Noted:
    """Sums of a clock, int64 [lanes], and a bit for each lane whose byte of an earlier clock was clipped."""

    sums: Int64Array
    clipped: int


_NOTHING = Noted(np.zeros(1, np.int64), 0)


def note(peak: Peak, begin: bool, noted: Noted | None) -> tuple[int, int]:
    """End of a clock of the peak, which begins with a run, and of what the lanes note; returns what the peak shows."""
    told = noted or _NOTHING
    peak.update(begin, noted is not None, told.sums, told.clipped >> np.arange(len(told.sums)) & 1)
    return peak.bits_o, peak.clips_o


class GradientLanes:
    """Twin of the lanes. `evaluate` sets the wires of the clock, `update` ends it.

    Attributes:
        bytes_o, noted_o: None while there is nothing.
    """

    def __init__(self, machine: Machine) -> None:
        self._lanes = machine.hw.outputs.lanes
        self._rounding = Rounding(self._lanes)
        self._none = np.zeros(self._lanes, np.int64)
        self.reset()

    def reset(self) -> None:
        """The pipeline becomes empty; the draws stay."""
        self._rounding.reset()
        self._later: deque[LaneBytes | None] = deque([None] * (LATENCY - ROUNDING_LATENCY))
        self._nearest: deque[bool] = deque([False] * LATENCY)

    @property
    def bytes_o(self) -> LaneBytes | None:
        """The last stage."""
        return self._later[-1]

    def evaluate(self, valid_i: bool, sums_i: Int64Array, scaled_i: Int64Array, clipped_i: int) -> None:
        """Wire: `noted_o`."""
        self._rounding.evaluate(True)
        rounded, scaled, clips = self._rounding.o, self._nearest[SCALED - 1], self._nearest[-1]
        clipped = 0 if rounded is None else sum(int(each) >> 8 << lane for lane, each in enumerate(rounded))
        sums = sums_i if valid_i else scaled_i if scaled else self._none
        told = rounded is not None or valid_i or scaled or clips
        self.noted_o = Noted(sums, clipped | (clipped_i if clips else 0)) if told else None

    def update(
        self, shift_i: int, seed_i: int, begin_i: bool, valid_i: bool, sums_i: Int64Array, nearest_i: bool
    ) -> None:
        """End of the clock."""
        self._nearest.pop()
        self._nearest.appendleft(nearest_i)
        rounded = self._rounding.o
        self._later.pop()
        found = None if rounded is None else rounded.astype(np.uint8).tobytes()
        self._later.appendleft(None if found is None else LaneBytes(int.from_bytes(found, "little")))
        job = RoundingJob(shift_i, store_seed(seed_i))
        self._rounding.update(sums_i if valid_i else None, job, begin_i)
