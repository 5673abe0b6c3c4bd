"""The selection within each vector: N of M by rank, or one of q without bias."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from skipbeat_arch.arrays import Int8Array, Int64Array, UInt32Array
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.training.jobs import SELECT_LATENCY
from skipbeat_arch.training.mvue import keep_one
from skipbeat_arch.training.ranks import ranks

from .draws import Draws

#: Stages that a vector has behind it when it reads its draw.
_DRAWN = 3


@dataclass(slots=True)
class Selection:
    """A job: `blocks` of M vectors, N of M by rank or one of 2^log_q without bias."""

    blocks: int
    along_time: bool
    unbiased: bool
    n: int
    log_q: int
    seed: int


class SelectLanes:
    """Twin of the pipeline. `evaluate` sets the wires of the clock, `update` ends it.

    Attributes:
        o: the vector on offer, int64 [V] of elements {value: 8 bits, kept: 1}, None while there is none.
    """

    def __init__(self, hw: Hardware) -> None:
        self._width, self._group, self._levels = hw.array.cols, hw.array.group, hw.index_bits
        self._draws = Draws(self._width // 2)
        self.reset()

    def reset(self) -> None:
        """The pipeline becomes empty; the draws stay."""
        self._stages: deque[tuple[Int8Array, UInt32Array] | None] = deque([None] * SELECT_LATENCY)
        self.o: Int64Array | None = None

    def evaluate(self, o_ready: bool) -> None:
        """Wire: `i_ready`."""
        self.i_ready = self.o is None or o_ready

    def update(self, i: Int8Array | None, job_i: Selection, begin_i: bool) -> None:
        """End of a clock with a vector on the stream, int8 [V], if not None."""
        drawing = self.i_ready and self._stages[_DRAWN - 1] is not None
        if self.i_ready:
            stages = self._stages
            reading = stages[_DRAWN - 1]
            if reading is not None:
                stages[_DRAWN - 1] = reading[0], self._draws.draws_o
            stages.pop()
            stages.appendleft(None if i is None else (i, self._draws.draws_o))
            last = stages[-1]
            self.o = None if last is None else self._selected(*last, job_i)
        self._draws.update(job_i.seed, begin_i, drawing)

    def _selected(self, vector: Int8Array, drawn: UInt32Array, job: Selection) -> Int64Array:
        if job.unbiased:
            q = 1 << (job.log_q if 1 <= job.log_q <= self._levels else self._levels)
            values, kept = keep_one(vector.reshape(-1, q), drawn[:: q // 2])
        else:
            values = vector.reshape(-1, self._group)
            kept = ranks(values) < job.n
        elements = np.where(kept, values.astype(np.int64) & 0xFF | 1 << 8, 0)
        return elements.reshape(self._width)
