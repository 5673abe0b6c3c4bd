"""Load engine: vectors from memory into the on-chip memories, and zeros into the activation banks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from skipbeat_arch import instruction as isa
from skipbeat_arch import ports
from skipbeat_arch.depths import LOAD_QUEUE
from skipbeat_arch.instruction import Instruction, Kind, decode
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import REQUEST, bank_write_fields, beat_fields, memory_write_fields

from ..core.fifo import Fifo
from .axi import Beat, Request
from .placer import MASK, BankWrite, Placer

#: Which enable bit of `memory_write_o` a kind has.
ENABLES = {Kind.WEIGHTS: 1, Kind.PARAMETERS: 2, Kind.RESIDUAL: 4, Kind.TABLE: 8}


class MemoryWrite(NamedTuple):
    """A vector on its way into one of the other memories."""

    kind: int
    address: int
    data: int


class LoadEngine:
    """Twin of the load engine. `evaluate` sets the wires of the clock, `update` ends it."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._all = (1 << machine.hw.array.rows) - 1
        self._routes: Fifo[isa.Load] = Fifo(LOAD_QUEUE)
        self._walk = Placer(machine)
        self.reset()

    def reset(self) -> None:
        """All registers."""
        self._routes.reset()
        self._walk.reset()
        self._zeroing = False
        self._zero_left = self._zero_at = self._i = 0
        self.give = 0

    @property
    def idle(self) -> bool:
        """Nothing is on its way into a memory."""
        return not self._zeroing and not self._routes.items

    @property
    def route(self) -> isa.Load | None:
        """The LOAD whose vectors come next."""
        return self._routes.front

    def evaluate(self, instruction: Instruction | None, some: int, beat: Beat | None, halt: bool) -> None:
        """Wires: `request`, `bank_write`, `memory_write` (None: not valid); `begins_zero`, `ends_zero`, `final`.

        Args:
            instruction: on the stream, None if there is none.
            some: `some_i`, 2 bits.
            beat: load's own.
        """
        self.request: Request | None = None
        self.bank_write: BankWrite | None = None
        self.memory_write: MemoryWrite | None = None
        self.begins_zero = self.ends_zero = self.final = False
        self._instruction, self._beat = instruction, beat
        if beat is not None:
            self.final = beat.final
            self._write(beat)
        if self._zeroing:
            self.bank_write = BankWrite(self._all, self._zero_at, 0)
            self.ends_zero = self._zero_left == 1
        elif instruction is not None and not halt and not instruction.wait_bits & ~some:
            if isinstance(instruction, isa.Zero):
                self.begins_zero = not self._routes.items
            elif isinstance(instruction, isa.Load) and self._routes.ready:
                self.request = Request(instruction.source, instruction.count)

    def _write(self, beat: Beat) -> None:
        head = self._routes.front
        if head is None:
            return
        if head.kind == Kind.ACTIVATIONS:
            self.bank_write = self._walk.write(head, self._i, beat.data)
        elif head.kind in ENABLES:
            self.memory_write = MemoryWrite(head.kind, (head.to + self._i) & MASK, beat.data)

    def ready(self, request_ready: bool) -> bool:
        """`instructions.ready`, with `requests.ready`."""
        return self.ends_zero or (self.request is not None and request_ready)

    def take(self, request_ready: bool) -> int:
        """`take_o`, 2 bits."""
        begins = self.begins_zero or (self.request is not None and request_ready)
        return self._instruction.wait_bits if begins and self._instruction is not None else 0

    def update(self, request_ready: bool) -> None:
        """End of a clock with `requests.ready`."""
        instruction, head = self._instruction, self._routes.front
        self.give = 0
        if self._beat is not None and head is not None:
            self._advance(head)
            if self.final:
                self.give = head.signal_bits
        asked = self.request is not None and request_ready
        route = instruction if asked and isinstance(instruction, isa.Load) else None
        if self.final or route is not None:
            self._routes.update(self.final and head is not None, route)
        if self._zeroing:
            self._zero_at = (self._zero_at + 1) & MASK
            self._zero_left = (self._zero_left - 1) & MASK
            if self.ends_zero:
                self._zeroing = False
                self.give = instruction.signal_bits if instruction is not None else 0
        elif self.begins_zero and isinstance(instruction, isa.Zero):
            self._zeroing = True
            self._zero_left, self._zero_at = instruction.count, instruction.to

    def _advance(self, head: isa.Load) -> None:
        self._walk.advance(head, self._i)
        self._i = (self._i + 1) & MASK
        if self.final:
            self._i = 0
            self._walk.restart()

    def _evaluate(self, inputs: Mapping[str, int]) -> None:
        fields = ports.unpack(beat_fields(self._machine), inputs["beat_i"])
        self.evaluate(
            decode(inputs["instructions__payload"]) if inputs["instructions__valid"] else None,
            inputs["some_i"],
            Beat(fields["data"], bool(fields["final"])) if fields["valid"] else None,
            bool(inputs["halt_i"]),
        )

    def outputs(self, inputs: Mapping[str, int]) -> dict[str, int]:
        """Values of the output ports; payloads and writes are 0 while they are not valid or not enabled."""
        self._evaluate(inputs)
        ready = bool(inputs["requests__ready"])
        request = self.request or Request(0, 0)
        bank = self.bank_write or BankWrite(0, 0, 0)
        write = {"enable": 0, "address": 0, "data": 0}
        if self.memory_write is not None:
            write = {**self.memory_write._asdict(), "enable": ENABLES[Kind(self.memory_write.kind)]}
        return {
            "instructions__ready": int(self.ready(ready)),
            "requests__valid": int(self.request is not None),
            "requests__payload": ports.pack(REQUEST, {"address": request.address, "count": request.count}),
            "take_o": self.take(ready),
            "give_o": self.give,
            "bank_write_o": ports.pack(bank_write_fields(self._machine), bank._asdict()),
            "memory_write_o": ports.pack(memory_write_fields(self._machine), write),
        }

    def tick(self, inputs: Mapping[str, int]) -> None:
        """End of the clock; `some_i` is (XL, SL), `beat_i` a `beat_fields` word."""
        self._evaluate(inputs)
        self.update(bool(inputs["requests__ready"]))
        if inputs.get("rst", 0):
            self.reset()
