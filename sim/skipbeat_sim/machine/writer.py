"""AXI4 write master: a request's vectors go from the output memory to memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from skipbeat_arch import ports
from skipbeat_arch.depths import WRITER_ROOM
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import WRITE_REQUEST, MachineError

from .axi import ADDRESS_MASK, Address, Request, WriteBeat, address_ports, next_burst


class Writer:
    """Twin of the writer. `evaluate` sets the wires of the clock, `update` ends it."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._parts = machine.vector_beats
        self._beat_mask = (1 << (8 * machine.beat_bytes)) - 1
        self.reset()

    def reset(self) -> None:
        """All registers."""
        self.active = self._reading = False
        self._address = self._left = self._to_read = self.read_address = self._position = self._part = 0
        self._ahead = self._unanswered = self._sent = self._beats = 0
        self._room = WRITER_ROOM
        self._data: deque[int] = deque()

    def evaluate(self, aw_ready: bool, w_ready: bool, b_resp: int | None) -> None:
        """Wires: `aw`, `w` (None: not valid), `fetch` (the output memory is read), `done` and `error`.

        Args:
            b_resp: the response on channel `b`, None if there is none.
        """
        self._answered = b_resp is not None
        self.error = MachineError.WRITE_FAILED if b_resp is not None and b_resp & 2 else MachineError.NONE
        self.aw: Address | None = None
        self.w: WriteBeat | None = None
        self.fetch = self.done = self._announce = self._send = False
        if not self.active:
            return
        if self._left:
            self.aw = Address(self._address, next_burst(self._machine, self._address, self._left))
            self._announce = aw_ready
        self.fetch = self._to_read != 0 and self._room != 0
        if self._data and self._ahead:
            last = self._position == self._machine.burst_beats - 1 or self._sent + 1 == self._beats
            data = self._data[0] >> (8 * self._machine.beat_bytes * self._part) & self._beat_mask
            self.w = WriteBeat(data, last)
            self._send = w_ready
        self.done = not self._left and self._sent == self._beats and not self._unanswered

    def update(self, request: Request | None, read_data: int) -> None:
        """End of a clock with `read_data_i`, in which `request` was transferred, if not None."""
        if self._reading:
            self._data.append(read_data)
        self._unanswered -= self._answered
        self._reading = self.fetch
        if request is not None:
            self._begin(request)
        if not self.active:
            return
        if self._announce and self.aw:
            beats = self.aw.beats
            self._address = (self._address + beats * self._machine.beat_bytes) & ADDRESS_MASK
            self._left -= beats
            self._ahead += beats
            self._unanswered += 1
        if self.fetch:
            self.read_address = (self.read_address + 1) & 0xFFFF
            self._to_read -= 1
            self._room -= 1
        if self._send:
            self._part += 1
            if self._part == self._parts:
                self._data.popleft()
                self._room += 1
                self._part = 0
            self._ahead -= 1
            self._position = (self._position + 1) % self._machine.burst_beats
            self._sent += 1
        if self.done:
            self.active = False

    def _begin(self, request: Request) -> None:
        self.active = True
        self._address, self._to_read, self.read_address = request.address, request.count, request.start
        self._left = self._beats = request.count * self._parts
        self._position = request.address // self._machine.beat_bytes % self._machine.burst_beats
        self._part = self._sent = 0

    def _evaluate(self, inputs: Mapping[str, int]) -> None:
        response = inputs["bus__bresp"] if inputs["bus__bvalid"] else None
        self.evaluate(bool(inputs["bus__awready"]), bool(inputs["bus__wready"]), response)

    def outputs(self, inputs: Mapping[str, int]) -> dict[str, int]:
        """Values of the output ports; data is 0 while it is not valid."""
        self._evaluate(inputs)
        data, last = self.w or (0, False)
        return {
            "requests__ready": int(not self.active),
            "read_address_o": self.read_address,
            **address_ports("aw", self.aw, self._machine),
            "bus__wvalid": int(self.w is not None),
            "bus__wdata": data,
            "bus__wstrb": (1 << self._machine.beat_bytes) - 1,
            "bus__wlast": int(last),
            "bus__bready": 1,
            "done_o": int(self.done),
            "quiet_o": int(not self.active),
            "error_o": int(self.error),
        }

    def tick(self, inputs: Mapping[str, int]) -> None:
        """End of the clock; `requests__payload` is a `WRITE_REQUEST` word."""
        self._evaluate(inputs)
        request = Request(**ports.unpack(WRITE_REQUEST, inputs["requests__payload"]))
        self.update(request if inputs["requests__valid"] and not self.active else None, inputs["read_data_i"])
        if inputs.get("rst", 0):
            self.reset()
