"""Stochastic rounding of sums: what a gradient is stored with."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.training.jobs import ROUNDING_LATENCY
from skipbeat_arch.training.rounding import MOST_SHIFT, round_stochastically

from .draws import Draws

#: Stages that sums have behind them when they read their draw.
_DRAWN = 2


@dataclass(slots=True)
class RoundingJob:
    """Shift and seed."""

    shift: int
    seed: int


class Rounding:
    """Twin of the lanes. `evaluate` sets the wires of the clock, `update` ends it.

    Attributes:
        o: what is on offer, int64 [lanes] of {value: 8 bits, clipped: 1}, None while there is nothing.
    """

    def __init__(self, lanes: int) -> None:
        self._draws = Draws(lanes)
        self.reset()

    def reset(self) -> None:
        """The pipeline becomes empty; the draws stay."""
        self._stages: deque[Int64Array | None] = deque([None] * ROUNDING_LATENCY)

    @property
    def o(self) -> Int64Array | None:
        """The last stage."""
        return self._stages[-1]

    def evaluate(self, o_ready: bool) -> None:
        """Wire: `i_ready`."""
        self.i_ready = self.o is None or o_ready

    def update(self, i: Int64Array | None, job_i: RoundingJob, begin_i: bool) -> None:
        """End of a clock with sums on the stream, int64 [lanes], if not None."""
        sums = self._stages[_DRAWN - 1]
        drawn = self.i_ready and sums is not None
        if self.i_ready:
            if sums is not None:
                self._stages[_DRAWN - 1] = self._rounded(sums, min(job_i.shift, MOST_SHIFT))
            self._stages.pop()
            self._stages.appendleft(i)
        self._draws.update(job_i.seed, begin_i, drawn)

    def _rounded(self, sums: Int64Array, shift: int) -> Int64Array:
        values, clipped = round_stochastically(sums, shift, self._draws.draws_o)
        return values.astype(np.int64) & 0xFF | clipped.astype(np.int64) << 8
