"""Store engine: jobs for the output stage, whose vectors go to memory, into the activation banks, or both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from skipbeat_arch import instruction as isa
from skipbeat_arch import ports
from skipbeat_arch.depths import OUTPUT_HALVES, STORE_QUEUE
from skipbeat_arch.instruction import Instruction, decode
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import WRITE_REQUEST, bank_write_fields, vector_fields

from ..core.fifo import Fifo
from .axi import Request
from .output import Vector
from .placer import BankWrite, Placer

_NOWHERE = isa.Place(to=0, width=0, pitch=0, period=0, bank=0)


class StoreEngine:
    """Twin of the store engine. `evaluate` sets the wires of the clock, `update` ends it."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._pending: Fifo[isa.Store] = Fifo(STORE_QUEUE)
        self._walk = Placer(machine)
        self.reset()

    def reset(self) -> None:
        """All registers."""
        self._pending.reset()
        self._walk.reset()
        self._filling: isa.Store | None = None
        self._next_place = self._place = _NOWHERE
        self._filling_half = self._asked_half = self._occupied = self._open = self.give = 0
        self._asked = self._in_stage = False

    def evaluate(self, instruction: Instruction | None, some: int, vector: Vector | None, halt: bool) -> None:
        """Wires of the clock.

        `job` (a STORE), `request`, `write_address`, `local_write` (None: not valid, not enabled); `placed`, `end`;
        `finished`: the last vector of a STORE leaves the output stage.

        Args:
            instruction: on the stream, None if there is none.
            some: `some_i`, 2 bits; vector: `vector_i`, None while it is not valid.
        """
        self._vector, self._instruction = vector, instruction
        self.finished = vector is not None and vector.final
        self.job: isa.Store | None = None
        self.placed = self.end = False
        if instruction is not None and not halt:
            self._offer(instruction, not instruction.wait_bits & ~some)
        self._write()
        self.request: Request | None = None
        head = self._pending.front
        if head is not None and head.memory and not self._asked and not halt:
            count = head.count << (2 * head.raw)
            self.request = Request(head.address, count, self._asked_half * self._machine.output_depth)

    def _offer(self, instruction: Instruction, tokens: bool) -> None:
        self.placed = isinstance(instruction, isa.Place)
        if not tokens:
            return
        self.end = isinstance(instruction, isa.End) and self._open == 0
        if isinstance(instruction, isa.Store) and self._open != STORE_QUEUE and not self._in_stage:
            half_free = self._occupied != OUTPUT_HALVES
            self.job = instruction if half_free or not instruction.memory else None

    def _write(self) -> None:
        self.write_address: int | None = None
        self.local_write: BankWrite | None = None
        vector, filling = self._vector, self._filling
        if vector is None or filling is None:
            return
        if filling.memory:
            self.write_address = self._filling_half * self._machine.output_depth + vector.index
        if filling.local:
            self.local_write = self._walk.write(self._place, vector.index, vector.data)

    def ready(self, jobs_ready: bool) -> bool:
        """`instructions.ready`, with `jobs.ready`."""
        return self.placed or self._begins(jobs_ready)

    def _begins(self, jobs_ready: bool) -> bool:
        return self.end or (self.job is not None and jobs_ready)

    def take(self, jobs_ready: bool) -> int:
        """`take_o`, 2 bits."""
        return self._instruction.wait_bits if self._begins(jobs_ready) and self._instruction is not None else 0

    def popped(self, done: bool) -> bool:
        """The oldest STORE has ended, with `done_i`: it is done with memory, or has nothing to do there."""
        head = self._pending.front
        return done or (head is not None and not head.memory)

    def update(self, jobs_ready: bool, requests_ready: bool, done: bool) -> None:
        """End of a clock with `jobs.ready`, `requests.ready` and `done_i`."""
        begin = self.job is not None and jobs_ready
        popped = self.popped(done)
        self._update_give(popped)
        self._occupied += int(begin and self.job is not None and self.job.memory) - done
        self._open += begin - popped
        self._pending.update(popped and bool(self._pending.items), self._filling if self.finished else None)
        self._update_stage(begin)
        if done:
            self._asked = False
            self._asked_half ^= 1
        elif self.request is not None and requests_ready:
            self._asked = True
        if isinstance(self._instruction, isa.Place) and self.placed:
            self._next_place = self._instruction

    def _update_give(self, popped: bool) -> None:
        """Load's signal when a STORE has ended, execute's when its last vector has left the output stage."""
        head = self._pending.front
        self.give = head.signal_bits & 1 if popped and head is not None else 0
        if self.finished and self._filling is not None:
            self.give |= self._filling.signal_bits & 2

    def _update_stage(self, begin: bool) -> None:
        if self.local_write is not None and self._vector is not None:
            self._walk.advance(self._place, self._vector.index)
        if self.finished:
            self._in_stage = False
            if self._filling is not None and self._filling.memory:
                self._filling_half ^= 1
        if begin:
            self._filling, self._place, self._in_stage = self.job, self._next_place, True
            self._walk.restart()

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
        local = self.local_write or BankWrite(0, 0, 0)
        return {
            "instructions__ready": int(self.ready(ready)),
            "take_o": self.take(ready),
            "give_o": self.give,
            "jobs__valid": int(self.job is not None),
            "jobs__payload": inputs["instructions__payload"] if self.job else 0,
            "write_enable_o": int(self.write_address is not None),
            "write_address_o": self.write_address or 0,
            "local_write_o": ports.pack(bank_write_fields(self._machine), local._asdict()),
            "requests__valid": int(self.request is not None),
            "requests__payload": ports.pack(WRITE_REQUEST, asdict(request)),
            "stored_o": int(self.finished),
            "end_o": int(self.end),
        }

    def tick(self, inputs: Mapping[str, int]) -> None:
        """End of the clock; `some_i` is (LS, XS), `vector_i` a `vector_fields` word."""
        self._evaluate(inputs)
        self.update(bool(inputs["jobs__ready"]), bool(inputs["requests__ready"]), bool(inputs["done_i"]))
        if inputs.get("rst", 0):
            self.reset()
