"""Instructions from memory, each to the queue of its engine."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from skipbeat_arch import instruction as isa
from skipbeat_arch import ports
from skipbeat_arch.depths import FETCH_CHUNK, FETCH_QUEUE
from skipbeat_arch.instruction import INSTRUCTION_BITS, INSTRUCTION_BYTES, VERSION, Engine, Instruction, decode
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import REQUEST, MachineError, beat_fields

from .axi import ADDRESS_MASK, Beat, Request

WORD = (1 << INSTRUCTION_BITS) - 1


class Fetch:
    """Twin of the instruction fetch. `evaluate` sets the wires of the clock, `update` ends it."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        # vectors of an instruction, and instructions of a vector
        self._vectors = max(1, INSTRUCTION_BYTES // machine.vector)
        self._parts = max(1, machine.vector // INSTRUCTION_BYTES)
        self.reset()

    def reset(self) -> None:
        """All registers."""
        self._left = self._address = self._due = self._filled = self._assembly = self._part = 0
        self._first = False
        self._room = FETCH_QUEUE
        # of each vector the instructions, the first one first
        self._queue: deque[tuple[int, ...]] = deque()

    @property
    def busy(self) -> bool:
        """`busy_o`."""
        return self._due != 0

    def evaluate(self, queues_ready: tuple[bool, bool, bool], halt: bool) -> None:
        """Wires: `request` (None: not valid), `offer` (an instruction and its engine), `error`, `takes` (the head).

        Args:
            queues_ready: load, execute and store queue can be written.
        """
        self.request: Request | None = None
        if self._left and self._room >= FETCH_CHUNK and not halt:
            count = -(-min(self._left, FETCH_CHUNK) * self._vectors // self._parts)
            self.request = Request(self._address, count)
        self.offer: tuple[int, Engine] | None = None
        self.error = MachineError.NONE
        self.takes = False
        if self._first and not self._due:
            self.error = MachineError.BAD_PROGRAM
        # behind the last instruction a vector may have parts that belong to nothing
        if not self._queue or halt or not self._due:
            return
        word = self._queue[0][self._part]
        head = decode(word)
        self.error = self._check(head)
        self.takes = True
        if self.error == MachineError.NONE and head is not None and head.engine is not None:
            self.offer = word, head.engine
            self.takes = queues_ready[head.engine]

    def _check(self, head: Instruction | None) -> MachineError:
        last = self._due == 1
        if self._first:
            if not isinstance(head, isa.Header) or head.version != VERSION or last:
                return MachineError.BAD_PROGRAM
            wrong = head.fingerprint != self._machine.fingerprint
            return MachineError.WRONG_HARDWARE if wrong else MachineError.NONE
        if head is None or head.engine is None:
            return MachineError.BAD_OPCODE
        return MachineError.NONE if isinstance(head, isa.End) == last else MachineError.BAD_PROGRAM

    def update(self, start: tuple[int, int] | None, beat: Beat | None, request_ready: bool) -> None:
        """End of a clock with `start_i` (address and count, if it is set), `beat_i` and `requests.ready`."""
        if self.takes:
            self._part += 1
            if self._part == self._parts:
                self._queue.popleft()
                self._part = 0
            self._due = (self._due - 1) & 0xFFFFFF
            self._room += 1
            self._first = False
        if beat is not None:
            self._fill(beat.data)
        if self.request is not None and request_ready:
            chunk = min(self._left, FETCH_CHUNK)
            self._left -= chunk
            self._address = (self._address + chunk * INSTRUCTION_BYTES) & ADDRESS_MASK
            self._room -= chunk
        if start is not None:
            self._address, self._left = start
            self._due, self._first = self._left, True

    def _fill(self, data: int) -> None:
        self._assembly |= data << (8 * self._machine.vector * self._filled)
        self._filled += 1
        if self._filled == self._vectors:
            words = (self._assembly >> (INSTRUCTION_BITS * part) & WORD for part in range(self._parts))
            self._queue.append(tuple(words))
            self._assembly = self._filled = 0

    def _evaluate(self, inputs: Mapping[str, int]) -> None:
        ready = (bool(inputs[f"{engine.name.lower()}_o__ready"]) for engine in Engine)
        self.evaluate((next(ready), next(ready), next(ready)), bool(inputs["halt_i"]))

    def outputs(self, inputs: Mapping[str, int]) -> dict[str, int]:
        """Values of the output ports; payloads are 0 while they are not valid."""
        self._evaluate(inputs)
        request = self.request or Request(0, 0)
        values = {
            "requests__valid": int(self.request is not None),
            "requests__payload": ports.pack(REQUEST, {"address": request.address, "count": request.count}),
            "error_o": int(self.error),
            "busy_o": int(self.busy),
        }
        for engine in Engine:
            word = self.offer[0] if self.offer and self.offer[1] == engine else None
            values[f"{engine.name.lower()}_o__valid"] = int(word is not None)
            values[f"{engine.name.lower()}_o__payload"] = word or 0
        return values

    def tick(self, inputs: Mapping[str, int]) -> None:
        """End of the clock; `beat_i` is a `beat_fields` word."""
        self._evaluate(inputs)
        fields = ports.unpack(beat_fields(self._machine), inputs["beat_i"])
        self.update(
            (inputs["address_i"], inputs["count_i"]) if inputs["start_i"] else None,
            Beat(fields["data"], bool(fields["final"])) if fields["valid"] else None,
            bool(inputs["requests__ready"]),
        )
        if inputs.get("rst", 0):
            self.reset()
