"""The external memory that everything is measured with, and the port behind both masters."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from skipbeat_arch.arrays import Bytes
from skipbeat_arch.machine import Machine

from .axi import Address, ReadBeat, WriteBeat, WriteResponse

#: The response to a beat outside the memory, and to one inside it.
SLAVE_ERROR, OKAY = 2, 0


@dataclass(slots=True)
class _Burst:
    write: bool
    address: int
    left: int
    start: int
    failed: bool = False


class ExternalMemory:
    """Serves bursts whole, in the order in which their addresses came, one beat per clock.

    With `machine.duplex` it serves reads and writes apart, each as if it were alone; a read sees older writes only.

    The first beat of a read comes `memory.latency_clocks` (at least 1) clocks after its address, or when the memory
    is free; a write is served from the clock after its address on, when the memory is free, and answered in the clock
    after its last beat.

    Addresses count from `base` on.

    Attributes:
        contents: uint8 [bytes].
        bytes_read, bytes_written: bytes of the beats that were transferred.
    """

    def __init__(self, machine: Machine, contents: Bytes, base: int = 0) -> None:
        self.contents = contents
        self._base, self._bus = base, (1 << machine.hw.memory.address_bits) - 1
        self._size = machine.beat_bytes
        self._latency = machine.hw.memory.latency_clocks
        self._reads: deque[_Burst] = deque()
        # One queue for both unless the memory is duplex.
        self._writes: deque[_Burst] = deque() if machine.duplex else self._reads
        self._answers: deque[int] = deque()
        self._clock = 0
        self.bytes_read = self.bytes_written = 0

    def evaluate(self) -> None:
        """Wires: `r` (None: not valid), `w_ready`, `b` (None: not valid); addresses are always taken."""
        self.r: ReadBeat | None = None
        self.w_ready = False
        self.b = WriteResponse(self._answers[0]) if self._answers else None
        if self._writes and self._writes[0].write:
            self.w_ready = True
        if self._reads and not self._reads[0].write and self._clock >= self._reads[0].start:
            self.r = self._beat(self._reads[0])

    def _beat(self, burst: _Burst) -> ReadBeat:
        end = burst.address + self._size
        if end > len(self.contents):
            return ReadBeat(0, SLAVE_ERROR, burst.left == 1)
        data = self.contents[burst.address : end].tobytes()
        return ReadBeat(int.from_bytes(data, "little"), OKAY, burst.left == 1)

    def update(self, ar: Address | None, aw: Address | None, w: WriteBeat | None) -> None:
        """End of a clock with the masters' channels (None: not valid); `r` and `b` are always taken."""
        if self.b is not None:
            self._answers.popleft()
        if self.r is not None:
            self.bytes_read += self._size
            self._next_beat(self._reads)
        if self.w_ready and w is not None:
            self._write(self._writes[0], w)
            self._next_beat(self._writes)
        self._clock += 1
        if ar is not None:
            self._reads.append(_Burst(False, self._place(ar), ar.beats, self._clock - 1 + self._latency))
        if aw is not None:
            self._writes.append(_Burst(True, self._place(aw), aw.beats, self._clock))

    def _place(self, address: Address) -> int:
        """Where a burst begins in the contents, or far outside."""
        return address.addr - self._base & self._bus

    def _next_beat(self, bursts: deque[_Burst]) -> None:
        burst = bursts[0]
        burst.address += self._size
        burst.left -= 1
        if burst.left == 0:
            bursts.popleft()
            if burst.write:
                self._answers.append(SLAVE_ERROR if burst.failed else OKAY)

    def _write(self, burst: _Burst, w: WriteBeat) -> None:
        self.bytes_written += self._size
        end = burst.address + self._size
        if end > len(self.contents):
            burst.failed = True
            return
        self.contents[burst.address : end] = np.frombuffer(w.data.to_bytes(self._size, "little"), np.uint8)
