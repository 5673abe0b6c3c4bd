"""AXI4 read master: requests of vectors become bursts, and their beats come back in order."""

from __future__ import annotations

from skipbeat_arch.depths import READER_QUEUE
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import MachineError

from ..core.fifo import Fifo
from .axi import Address, Beat, ReadBeat, Request, next_burst


class Reader:
    """Twin of the reader. `evaluate` sets the wires of the clock, `update` ends it.

    Attributes:
        beat_o: the register, None while it is not valid.
        r_ready: always.
    """

    r_ready = True

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._parts = machine.vector_beats
        self._counted = (1 << machine.counted_bits) - 1
        self._most = machine.hw.memory.outstanding
        self._returns: Fifo[int] = Fifo(READER_QUEUE)
        self.reset()

    def reset(self) -> None:
        """All registers."""
        self._returns.reset()
        self._active = False
        self._waiting: Request | None = None
        self._address = self._left = self._outstanding = self._taken = 0
        self._part = self._earlier = 0
        self.beat_o: Beat | None = None

    @property
    def quiet_o(self) -> bool:
        """No request is under way, and no burst is outstanding."""
        return not self._active and self._outstanding == 0

    def evaluate(self, ar_ready: bool, r: ReadBeat | None) -> None:
        """Wires: `ar` (None: not valid), `requests_ready` and `error_o`."""
        self.ar: Address | None = None
        self._r = r
        self._sent = done = False
        if self._active and self._outstanding != self._most:
            self.ar = next_burst(self._machine, self._address, self._left)
            self._sent = ar_ready
            done = ar_ready and self.ar.beats == self._left
        self._free = not self._active or done
        self.requests_ready = self._waiting is None and self._returns.ready
        self.error_o = MachineError.READ_FAILED if r is not None and r.resp & 2 else MachineError.NONE

    def update(self, requests: Request | None) -> None:
        """End of a clock with what is on the stream."""
        request = requests if self.requests_ready else None
        self.beat_o = None if self._r is None else self._arrive(self._r)
        final = self.beat_o is not None and self.beat_o.final
        self._outstanding += self._sent
        if request is not None or final:
            self._returns.update(final, None if request is None else request.count)
        following = self._waiting or request
        if self._free:
            self._active, self._waiting = following is not None, None
            if following is not None:
                self._address, self._left = following.address, following.count * self._parts
            return
        self._waiting = following
        if self._sent and self.ar:
            self._address = (self._address + self.ar.beats * self._machine.beat_bytes) & self._counted
            self._left -= self.ar.beats

    def _arrive(self, r: ReadBeat) -> Beat | None:
        """Take a beat; the vector that it completes, if it does."""
        self._outstanding -= r.last
        data = self._earlier | r.data << (8 * self._machine.beat_bytes * self._part)
        self._part += 1
        if self._part != self._parts:
            self._earlier = data
            return None
        self._part = self._earlier = 0
        final = self._taken + 1 == self._returns.front
        self._taken = 0 if final else self._taken + 1
        return Beat(data, final)
