"""AXI4 write master: a request's vectors go from the output memory to memory."""

from __future__ import annotations

from collections import deque

from skipbeat_arch.depths import WRITER_ROOM
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import MachineError

from .axi import Address, Request, WriteBeat, WriteResponse, next_burst


class Writer:
    """Twin of the writer. `evaluate` sets the wires of the clock, `update` ends it.

    Attributes:
        b_ready: always; w_strb: all bytes of a beat, always.
    """

    b_ready = True

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._parts = machine.vector_beats
        self._counted = (1 << machine.counted_bits) - 1
        self._beat_mask = (1 << (8 * machine.beat_bytes)) - 1
        self.w_strb = (1 << machine.beat_bytes) - 1
        self.reset()

    def reset(self) -> None:
        """All registers."""
        self.active = self._reading = False
        self._address = self._left = self._to_read = self.read_address_o = self._position = self._part = 0
        self._unanswered = self._sent = self._beats = 0
        self._room = WRITER_ROOM
        self._data: deque[int] = deque()

    @property
    def quiet_o(self) -> bool:
        """No request is under way."""
        return not self.active

    @property
    def requests_ready(self) -> bool:
        """A request can be taken."""
        return not self.active

    def evaluate(self, aw_ready: bool, w_ready: bool, b: WriteResponse | None) -> None:
        """Wires: `aw`, `w` (None: not valid), `fetch` (the output memory is read), `done_o` and `error_o`."""
        self._answered = b is not None
        self.error_o = MachineError.WRITE_FAILED if b is not None and b.resp & 2 else MachineError.NONE
        self.aw: Address | None = None
        self.w: WriteBeat | None = None
        self.fetch = self.done_o = self._announce = self._send = False
        if not self.active:
            return
        if self._left:
            self.aw = next_burst(self._machine, self._address, self._left)
            self._announce = aw_ready
        self.fetch = self._to_read != 0 and self._room != 0
        if self._data:
            last = self._position == self._machine.burst_beats - 1 or self._sent + 1 == self._beats
            data = self._data[0] >> (8 * self._machine.beat_bytes * self._part) & self._beat_mask
            self.w = WriteBeat(data, self.w_strb, last)
            self._send = w_ready
        self.done_o = not self._left and self._sent == self._beats and not self._unanswered

    def update(self, requests: Request | None, read_data_i: int) -> None:
        """End of a clock with what is on the stream."""
        request = requests if self.requests_ready else None
        if self._reading:
            self._data.append(read_data_i)
        self._unanswered -= self._answered
        self._reading = self.fetch
        if request is not None:
            self._begin(request)
        if not self.active:
            return
        if self._announce and self.aw:
            beats = self.aw.beats
            self._address = (self._address + beats * self._machine.beat_bytes) & self._counted
            self._left -= beats
            self._unanswered += 1
        if self.fetch:
            self.read_address_o = (self.read_address_o + 1) & 0xFFFF
            self._to_read -= 1
            self._room -= 1
        if self._send:
            self._part += 1
            if self._part == self._parts:
                self._data.popleft()
                self._room += 1
                self._part = 0
            self._position = (self._position + 1) % self._machine.burst_beats
            self._sent += 1
        if self.done_o:
            self.active = False

    def _begin(self, request: Request) -> None:
        self.active = True
        self._address, self._to_read, self.read_address_o = request.address, request.count, request.start
        self._left = self._beats = request.count * self._parts
        self._position = request.address // self._machine.beat_bytes % self._machine.burst_beats
        self._part = self._sent = 0
