"""Store engine: jobs for the output stage, and its vectors through the output memory to memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from skipbeat_arch import ports
from skipbeat_arch.instruction import Opcode
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import WRITE_REQUEST, vector_fields

from ..fifo import Fifo
from .axi import Request
from .instructions import Decoded, decode
from .output import Vector

HALVES = 2


class Store:
    """Twin of the store engine. `evaluate` sets the wires of the clock, `update` ends it."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._pending: Fifo[Decoded] = Fifo(HALVES)
        self.reset()

    def reset(self) -> None:
        """All registers."""
        self._pending.reset()
        self._filling: Decoded | None = None
        self._filling_half = self._asked_half = self._occupied = self.give = 0
        self._asked = self._in_stage = False

    def evaluate(self, instruction: Decoded | None, some: int, vector: Vector | None, halt: bool) -> None:
        """Wires: `job` (a STORE), `request` (None: not valid), `write_address` (None: not enabled) and `end`.

        Args:
            instruction: on the stream, None if there is none.
            some: `some_i`, 2 bits; vector: `vector_i`, None while it is not valid.
        """
        self._vector = vector
        self.job: Decoded | None = None
        self.request: Request | None = None
        self.write_address: int | None = None
        self.end = False
        self._instruction = instruction
        depth = self._machine.output_depth
        if instruction is not None and not halt and not instruction.wait & ~some:
            if instruction.opcode == Opcode.STORE and self._occupied != HALVES and not self._in_stage:
                self.job = instruction
            self.end = instruction.opcode == Opcode.END and self._occupied == 0
        if vector is not None:
            self.write_address = self._filling_half * depth + vector.index
        head = self._pending.front
        if head is not None and not self._asked and not halt:
            count = head.fields["count"] << (2 * head.fields["raw"])
            self.request = Request(head.fields["address"], count, self._asked_half * depth)

    def take(self, jobs_ready: bool) -> int:
        """`take_o`, 2 bits."""
        begins = self.end or (self.job is not None and jobs_ready)
        return self._instruction.wait if begins and self._instruction is not None else 0

    def update(self, jobs_ready: bool, requests_ready: bool, done: bool) -> None:
        """End of a clock with `jobs.ready`, `requests.ready` and `done_i`."""
        vector = self._vector
        begin = self.job is not None and jobs_ready
        finished = vector is not None and vector.final
        asks = self.request is not None and requests_ready
        head = self._pending.front
        self.give = head.signal if done and head is not None else 0
        self._occupied += begin - done
        if finished or done:
            self._pending.update(done and head is not None, self._filling if finished else None)
        if begin:
            self._filling, self._in_stage = self.job, True
        elif finished:
            self._in_stage = False
        if finished:
            self._filling_half ^= 1
        if done:
            self._asked = False
            self._asked_half ^= 1
        elif asks:
            self._asked = True

    def _evaluate(self, inputs: Mapping[str, int]) -> None:
        fields = ports.unpack(vector_fields(self._machine), inputs["vector_i"])
        vector = Vector(fields["data"], bool(fields["final"]), fields["index"]) if fields["valid"] else None
        instruction = decode(inputs["instructions__payload"]) if inputs["instructions__valid"] else None
        self.evaluate(instruction, inputs["some_i"], vector, bool(inputs["halt_i"]))

    def outputs(self, inputs: Mapping[str, int]) -> dict[str, int]:
        """Values of the output ports; payloads and the address are 0 while they mean nothing."""
        self._evaluate(inputs)
        ready = bool(inputs["jobs__ready"])
        request = self.request or Request(0, 0)
        return {
            "instructions__ready": int(self.end or (self.job is not None and ready)),
            "take_o": self.take(ready),
            "give_o": self.give,
            "jobs__valid": int(self.job is not None),
            "jobs__payload": self.job.word if self.job else 0,
            "write_enable_o": int(self.write_address is not None),
            "write_address_o": self.write_address or 0,
            "requests__valid": int(self.request is not None),
            "requests__payload": ports.pack(WRITE_REQUEST, asdict(request)),
            "end_o": int(self.end),
        }

    def tick(self, inputs: Mapping[str, int]) -> None:
        """End of the clock; `some_i` is (LS, XS), `vector_i` a `vector_fields` word."""
        self._evaluate(inputs)
        self.update(bool(inputs["jobs__ready"]), bool(inputs["requests__ready"]), bool(inputs["done_i"]))
        if inputs.get("rst", 0):
            self.reset()
