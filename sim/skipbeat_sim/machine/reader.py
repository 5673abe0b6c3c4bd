"""AXI4 read master: requests of vectors become bursts, and their beats come back in order."""

from __future__ import annotations

from collections.abc import Mapping

from skipbeat_arch import ports
from skipbeat_arch.depths import READER_QUEUE
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import REQUEST, MachineError, beat_fields

from ..core.fifo import Fifo
from .axi import ADDRESS_MASK, Address, Beat, ReadBeat, Request, address_ports, next_burst


class Reader:
    """Twin of the reader. `evaluate` sets the wires of the clock, `update` ends it.

    Natively `beat` is the register `beat_o`, None while it is not valid.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._parts = machine.vector_beats
        self._most = machine.hw.memory.outstanding
        self._returns: Fifo[int] = Fifo(READER_QUEUE)
        self.reset()

    def reset(self) -> None:
        """All registers."""
        self._returns.reset()
        self._active = False
        self._address = self._left = self._outstanding = self._taken = 0
        self._part = self._earlier = 0
        self.beat: Beat | None = None

    @property
    def quiet(self) -> bool:
        """No request is under way, and no burst is outstanding."""
        return not self._active and self._outstanding == 0

    def evaluate(self, ar_ready: bool, r: ReadBeat | None) -> None:
        """Wires: `ar` (None: not valid), `requests_ready` and `error`."""
        self.ar: Address | None = None
        self._r = r
        self._sent = done = False
        if self._active and self._outstanding != self._most:
            self.ar = Address(self._address, next_burst(self._machine, self._address, self._left))
            self._sent = ar_ready
            done = ar_ready and self.ar.beats == self._left
        self._done = done
        self.requests_ready = (not self._active or done) and self._returns.ready
        self.error = MachineError.READ_FAILED if r is not None and r.resp & 2 else MachineError.NONE

    def update(self, request: Request | None) -> None:
        """End of a clock in which `request` was transferred, if not None."""
        self.beat = None if self._r is None else self._arrive(self._r)
        final = self.beat is not None and self.beat.final
        self._outstanding += self._sent
        if request is not None or final:
            self._returns.update(final, None if request is None else request.count)
        if request is not None:
            self._active = True
            self._address, self._left = request.address, request.count * self._parts
        elif self._done:
            self._active = False
        elif self._sent and self.ar:
            self._address = (self._address + self.ar.beats * self._machine.beat_bytes) & ADDRESS_MASK
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

    def _evaluate(self, inputs: Mapping[str, int]) -> None:
        beat = ReadBeat(inputs["bus__rdata"], inputs["bus__rresp"], bool(inputs["bus__rlast"]))
        self.evaluate(bool(inputs["bus__arready"]), beat if inputs["bus__rvalid"] else None)

    def outputs(self, inputs: Mapping[str, int]) -> dict[str, int]:
        """Values of the output ports; `beat_o` is a `beat_fields` word, 0 while it is not valid."""
        self._evaluate(inputs)
        beat = {"valid": 0, "data": 0, "final": 0} if self.beat is None else {"valid": 1, **self.beat._asdict()}
        return {
            "requests__ready": int(self.requests_ready),
            **address_ports("ar", self.ar, self._machine),
            "bus__rready": 1,
            "beat_o": ports.pack(beat_fields(self._machine), beat),
            "quiet_o": int(self.quiet),
            "error_o": int(self.error),
        }

    def tick(self, inputs: Mapping[str, int]) -> None:
        """End of the clock; `requests__payload` is a `REQUEST` word."""
        self._evaluate(inputs)
        request = Request(**ports.unpack(REQUEST, inputs["requests__payload"]))
        self.update(request if inputs["requests__valid"] and self.requests_ready else None)
        if inputs.get("rst", 0):
            self.reset()
