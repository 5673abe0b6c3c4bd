"""Activations of a pass: a walk over the banks, with an offset of its own for each bank."""

from __future__ import annotations

from collections import deque

import numpy as np

from skipbeat_arch.arrays import Bundles, Int32Array, Int64Array
from skipbeat_arch.depths import FETCHER_ROOM
from skipbeat_arch.machine import Machine

from .execute import Job

MASK = 0xFFFF
_COUNT_MASKS = (15, 15, 0xFFF, 0xFFF)


class Fetcher:
    """Twin of the fetcher. `evaluate` sets the wires of the clock, `update` ends it.

    The stream `activations` carries int32 [R, M]; addresses and offsets are int64 [R].

    Attributes:
        rows: of the pass for which the banks are read. table_rows: of the one for which the table is, 0 if it is null.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._zeros = np.zeros(machine.hw.array.rows, np.int64)
        self.reset()

    def reset(self) -> None:
        """All registers."""
        self.ahead: Job | None = None
        self._ahead_loaded = False
        self._walk: Job | None = None
        self._ends = (0, 0, 0, 0)
        self._offsets = self._zeros
        self._steps = (0, 0, 0, 0)
        self._i = [0, 0, 0, 0]
        self._begin = [0, 0, 0, 0]
        self._at = self.give_o = self._signal = 0
        self._address: Int64Array | None = None
        self.rows = 0
        self._reading = False
        self._room = FETCHER_ROOM
        self._items: deque[Int32Array] = deque()

    @property
    def activations(self) -> Int32Array | None:
        """The bundles on the stream `activations`."""
        return self._items[0] if self._items else None

    @property
    def idle(self) -> bool:
        """No job, and no read on its way."""
        moving = self._walk is not None or self.ahead is not None or self._address is not None or self._reading
        return not moving and not self._signal and not self.give_o

    def evaluate(self) -> None:
        """Wires: the output ports."""
        walk, ahead = self._walk, self.ahead
        self._issue = walk is not None and (walk.null or self._room != 0)
        self._last = self._issue and walk is not None and (walk.null or tuple(self._i) == self._ends)
        self._start = ahead is not None and self._ahead_loaded and (walk is None or self._last)
        self.jobs_ready = ahead is None or self._start
        self.table_enable_o = ahead is not None and not self._ahead_loaded
        self.table_address_o = 0 if ahead is None else ahead.table
        self.table_rows = 0 if ahead is None or ahead.null else ahead.rows
        self.bank_address_o, self.bank_enable_o = self._address, self._address is not None

    def update(self, jobs: Job | None, offsets_i: Int64Array, bundles_i: Bundles, activations_ready: bool) -> None:
        """End of a clock with a job on the stream, if not None.

        Args:
            offsets_i: data of the table memory, int64 [R]; bundles_i: data of the banks, int32 [R, M].
        """
        job = jobs if self.jobs_ready else None
        sent = activations_ready and bool(self._items)
        if sent:
            self._items.popleft()
        if self._reading:
            self._items.append(bundles_i)
        walk = self._walk
        read = self._issue and walk is not None and not walk.null
        self._reading, self.give_o = self._address is not None, self._signal
        self._address = (self._at + self._offsets) & MASK if read else None
        self.rows = walk.rows if walk is not None else 0
        self._signal = walk.signal if self._last and walk is not None else 0
        self._room += sent - read
        if self._start and self.ahead is not None:
            self._begin_walk(self.ahead, offsets_i)
        elif self._last:
            self._walk = None
        elif read and walk is not None:
            self._advance(walk)
        loaded = self.ahead is not None
        if job is not None:
            self.ahead, self._ahead_loaded = job, False
        else:
            if self._start:
                self.ahead = None
            self._ahead_loaded = loaded

    def _begin_walk(self, job: Job, table: Int64Array) -> None:
        n = job.counts
        self._walk, self._offsets, self._steps = job, table, job.steps
        self._ends = (n[0] - 1 & 15, n[1] - 1 & 15, n[2] - 1 & 0xFFF, n[3] - 1 & 0xFFF)
        self._i = [0, 0, 0, 0]
        self._at = job.base
        self._begin = [job.base] * 4

    def _advance(self, walk: Job) -> None:
        i, begin = self._i, self._begin
        k = 0
        while i[k] == self._ends[k]:
            i[k] = 0
            k += 1
        i[k] = (i[k] + 1) & _COUNT_MASKS[k]
        self._at = ((begin[k] if k else self._at) + self._steps[k]) & MASK
        for inner in range(1, k + 1):
            begin[inner] = self._at
