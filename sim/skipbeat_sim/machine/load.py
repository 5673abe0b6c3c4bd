"""Load engine: vectors from memory into the on-chip memories, and zeros into the activation banks."""

from __future__ import annotations

from typing import NamedTuple

from skipbeat_arch import instruction as isa
from skipbeat_arch.decoding import decode
from skipbeat_arch.depths import LOAD_QUEUE
from skipbeat_arch.engines import Kind
from skipbeat_arch.machine import Machine

from ..core.fifo import Fifo
from .axi import Beat, Request
from .placer import MASK, BankWrite, Placer

#: Which enable bit of `memory_write_o` a kind has.
ENABLES = {Kind.WEIGHTS: 1, Kind.PARAMETERS: 2, Kind.RESIDUAL: 4, Kind.TABLE: 8}


class MemoryWrite(NamedTuple):
    """A vector on its way into one of the other memories; `enable` has a bit for each, see `ENABLES`."""

    enable: int
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
        self.give_o = 0

    @property
    def idle(self) -> bool:
        """Nothing is on its way into a memory."""
        return not self._zeroing and not self._routes.items

    @property
    def route(self) -> isa.Load | None:
        """The LOAD whose vectors come next."""
        return self._routes.front

    def evaluate(
        self, instructions: int | None, some_i: int, beat_i: Beat | None, halt_i: bool, requests_ready: bool
    ) -> None:
        """Wires: the output ports, `begins` (an instruction), `begins_zero`, `ends_zero` and `final`."""
        beat, instruction = beat_i, None if instructions is None else decode(instructions)
        self.requests: Request | None = None
        self.bank_write_o: BankWrite | None = None
        self.memory_write_o: MemoryWrite | None = None
        self.begins_zero = self.ends_zero = self.final = False
        self._instruction, self._beat = instruction, beat
        if beat is not None:
            self.final = beat.final
            self._write(beat)
        if self._zeroing:
            self.bank_write_o = BankWrite(self._all, self._zero_at, 0)
            self.ends_zero = self._zero_left == 1
        elif instruction is not None and not halt_i and not instruction.wait_bits & ~some_i:
            if isinstance(instruction, isa.Zero):
                self.begins_zero = not self._routes.items
            elif isinstance(instruction, isa.Load) and self._routes.ready:
                self.requests = Request(instruction.source, instruction.count)
        asked = self.requests is not None and requests_ready
        self.begins = asked or self.begins_zero
        self.instructions_ready = asked or self.ends_zero
        self.take_o = instruction.wait_bits if self.begins and instruction is not None else 0

    def _write(self, beat: Beat) -> None:
        head = self._routes.front
        if head is None:
            return
        if head.kind == Kind.ACTIVATIONS:
            self.bank_write_o = self._walk.write(head, self._i, beat.data)
        elif head.kind in ENABLES:
            self.memory_write_o = MemoryWrite(ENABLES[Kind(head.kind)], (head.to + self._i) & MASK, beat.data)

    def update(self) -> None:
        """End of the clock."""
        instruction, head = self._instruction, self._routes.front
        self.give_o = 0
        if self._beat is not None and head is not None:
            self._advance(head)
            if self.final:
                self.give_o = head.signal_bits
        route = instruction if self.begins and isinstance(instruction, isa.Load) else None
        if self.final or route is not None:
            self._routes.update(self.final and head is not None, route)
        if self._zeroing:
            self._zero_at = (self._zero_at + 1) & MASK
            self._zero_left = (self._zero_left - 1) & MASK
            if self.ends_zero:
                self._zeroing = False
                self.give_o = instruction.signal_bits if instruction is not None else 0
        elif self.begins_zero and isinstance(instruction, isa.Zero):
            self._zeroing = True
            self._zero_left, self._zero_at = instruction.count, instruction.to

    def _advance(self, head: isa.Load) -> None:
        self._walk.advance(head, self._i)
        self._i = (self._i + 1) & MASK
        if self.final:
            self._i = 0
            self._walk.restart()
