"""Activations of a pass: a walk over the banks, with an offset of its own for each bank."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import numpy as np

from skipbeat_arch import ports
from skipbeat_arch.arrays import Int32Array, Int64Array
from skipbeat_arch.depths import FETCHER_ROOM
from skipbeat_arch.machine import OFFSET_BITS, Machine

from .execute import Job

MASK = 0xFFFF
_COUNT_MASKS = (15, 15, 0xFFF, 0xFFF)


class Fetcher:
    """Twin of the fetcher. `evaluate` sets the wires of the clock, `update` ends it.

    Natively the stream `activations` is `front`, int32 [R, M], None while it is not valid; addresses and offsets are
    int64 [R].
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
        self._i = [0, 0, 0, 0]
        self._begin = [0, 0, 0, 0]
        self._at = self.give = self._signal = 0
        self._address: Int64Array | None = None
        self._reading = False
        self._room = FETCHER_ROOM
        self._items: deque[Int32Array] = deque()

    @property
    def front(self) -> Int32Array | None:
        """The bundles on the stream `activations`."""
        return self._items[0] if self._items else None

    @property
    def idle(self) -> bool:
        """No job, and no read on its way."""
        moving = self._walk is not None or self.ahead is not None or self._address is not None or self._reading
        return not moving and not self._signal and not self.give

    def evaluate(self) -> None:
        """Wires: `jobs_ready`, `table_enable`, `bank_read` (addresses, None: not enabled)."""
        walk, ahead = self._walk, self.ahead
        self._issue = walk is not None and (walk.null or self._room != 0)
        self._last = self._issue and walk is not None and (walk.null or tuple(self._i) == self._ends)
        self._start = ahead is not None and self._ahead_loaded and (walk is None or self._last)
        self.jobs_ready = ahead is None or self._start
        self.table_enable = ahead is not None and not self._ahead_loaded
        self.bank_read = self._address

    def update(self, job: Job | None, table: Int64Array, banks: Int32Array, activations_ready: bool) -> None:
        """End of a clock in which `job` was transferred, if not None.

        Args:
            table: data of the table memory, int64 [R]; banks: data of the banks, int32 [R, M].
        """
        sent = activations_ready and bool(self._items)
        if sent:
            self._items.popleft()
        if self._reading:
            self._items.append(banks)
        walk = self._walk
        read = self._issue and walk is not None and not walk.null
        self._reading, self.give = self._address is not None, self._signal
        self._address = (self._at + self._offsets) & MASK if read else None
        self._signal = walk.signal if self._last and walk is not None else 0
        self._room += sent - read
        if self._start and self.ahead is not None:
            self._begin_walk(self.ahead, table)
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
        self._walk, self._offsets = job, table
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
        self._at = ((begin[k] if k else self._at) + walk.steps[k]) & MASK
        for inner in range(1, k + 1):
            begin[inner] = self._at

    def outputs(self, inputs: Mapping[str, int]) -> dict[str, int]:
        """Values of the output ports; payloads and addresses are 0 while they are not valid or not enabled."""
        self.evaluate()
        addresses = self._zeros if self.bank_read is None else self.bank_read
        return {
            "jobs__ready": int(self.jobs_ready),
            "table_address_o": self.ahead.table if self.ahead else 0,
            "table_enable_o": int(self.table_enable),
            "bank_address_o": ports.pack_array(addresses.tolist(), OFFSET_BITS),
            "bank_enable_o": int(self.bank_read is not None),
            "activations__valid": int(self.front is not None),
            "activations__payload": 0 if self.front is None else ports.pack_array(self.front.ravel().tolist(), 8),
            "give_o": self.give,
        }

    def tick(self, inputs: Mapping[str, int]) -> None:
        """End of the clock; `jobs__payload` is a `JOB` word, `offsets_i` [R], `bundles_i` [R][M]."""
        self.evaluate()
        rows, group = self._machine.hw.array.rows, self._machine.hw.array.group
        offsets = ports.unpack_array(inputs["offsets_i"], rows, OFFSET_BITS)
        bundles = ports.unpack_array(inputs["bundles_i"], rows * group, 8, signed=True)
        transfer = inputs["jobs__valid"] and self.jobs_ready
        self.update(
            Job.from_word(inputs["jobs__payload"]) if transfer else None,
            np.array(offsets, np.int64),
            np.reshape(np.array(bundles, np.int32), (rows, group)),
            bool(inputs["activations__ready"]),
        )
        if inputs.get("rst", 0):
            self.reset()
