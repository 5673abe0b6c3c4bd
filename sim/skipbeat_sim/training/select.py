"""The selection of what stays: jobs, and both axes."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.arrays import Int8Array, Int64Array
from skipbeat_arch.hardware import Hardware

from .select_lanes import Selection, SelectLanes
from .turn import Turn

_NOTHING = Selection(0, False, False, 0, 0, 0)


class Select:
    """Twin of the selection. `evaluate` sets the wires of the clock, `update` ends it.

    Attributes:
        o: the vector on offer, int64 [V] of elements {value: 8 bits, kept: 1}, None while there is none.
    """

    def __init__(self, hw: Hardware) -> None:
        self._group = hw.array.group
        self._turn, self._lanes, self._back = Turn(hw), SelectLanes(hw), Turn(hw, bits=9, back=True)
        self.reset()

    def reset(self) -> None:
        """All registers."""
        self._job, self._begin = _NOTHING, False
        self._entering = self._leaving = 0
        for part in (self._turn, self._lanes, self._back):
            part.reset()

    @property
    def jobs_ready(self) -> bool:
        """All vectors of the job have left."""
        return self._leaving == 0

    @property
    def o(self) -> Int64Array | None:
        """From the turned ones, or the lanes."""
        return self._back.o if self._job.along_time else self._lanes.o

    def evaluate(self, o_ready: bool) -> None:
        """Wire: `i_ready`."""
        time = self._job.along_time
        self._lanes.evaluate(self._back.i_ready if time else o_ready)
        self.i_ready = self._entering != 0 and (self._turn.i_ready if time else self._lanes.i_ready)

    def update(self, jobs: Selection | None, i: Int8Array | None, o_ready: bool) -> None:
        """End of a clock with a job and a vector, int8 [V], on the streams, if not None."""
        vector = i if self.i_ready else None
        job = jobs if self.jobs_ready else None
        left = self.o is not None and o_ready
        if self._job.along_time:
            self._through_both(vector, o_ready)
        else:
            self._lanes.update(vector, self._job, self._begin)
        self._entering -= vector is not None
        self._leaving -= left
        self._begin = job is not None
        if job is not None:
            self._job = job
            self._entering = self._leaving = job.blocks * self._group

    def _through_both(self, vector: Int8Array | None, o_ready: bool) -> None:
        turned, selected = self._turn.o, self._lanes.o
        self._turn.update(None if vector is None else vector.astype(np.int64), self._lanes.i_ready)
        self._back.update(selected, o_ready)
        self._lanes.update(None if turned is None else turned.astype(np.int8), self._job, self._begin)
