"""Store engine: jobs for the output stage, whose vectors go to memory, into the activation banks, or both."""

from __future__ import annotations

from typing import NamedTuple

from skipbeat_arch import instruction as isa
from skipbeat_arch.decoding import decode
from skipbeat_arch.depths import OUTPUT_HALVES, STORE_QUEUE
from skipbeat_arch.instruction import Instruction
from skipbeat_arch.machine import Machine
from skipbeat_arch.turn_instruction import Turn

from ..core.fifo import Fifo
from .axi import Request
from .output import Vector
from .placer import BankWrite, Placer

#: What the engine sends to a stage, whose vectors come back: the output stage, or the turner.
Job = isa.Store | Turn


class _Finished(NamedTuple):
    """A job whose last vector has come."""

    job: Job
    vectors: int


_NOWHERE = isa.Place(to=0, width=0, pitch=0, period=0, bank=0)


class StoreEngine:
    """Twin of the store engine. `evaluate` sets the wires of the clock, `update` ends it."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._pending: Fifo[_Finished] = Fifo(STORE_QUEUE)
        self._walk = Placer(machine)
        self.reset()

    def reset(self) -> None:
        """All registers."""
        self._pending.reset()
        self._walk.reset()
        self._filling: Job | None = None
        self._next_place = self._place = _NOWHERE
        self._filling_half = self._asked_half = self._occupied = self._open = self.give_o = 0
        self._asked = self._in_stage = False

    def evaluate(
        self,
        instructions: int | None,
        some_i: int,
        vector_i: Vector | None,
        halt_i: bool,
        jobs_ready: bool,
        done_i: bool,
    ) -> None:
        """Wires: the output ports; `job`: the STORE that is offered; `popped`: the oldest STORE ends.

        `stored_o`: the last vector of a STORE leaves the output stage.
        """
        self._vector, self._done = vector_i, done_i
        self._instruction = instruction = None if instructions is None else decode(instructions)
        self.stored_o = vector_i is not None and vector_i.final
        self.job: Job | None = None
        self._placed = self.end_o = False
        if instruction is not None and not halt_i:
            self._offer(instruction, not instruction.wait_bits & ~some_i)
        self.jobs = None if self.job is None else instructions
        self._starts = self.job is not None and jobs_ready
        begins = self.end_o or self._starts
        self.instructions_ready = self._placed or begins
        self.take_o = instruction.wait_bits if begins and instruction is not None else 0
        self._write()
        self.requests: Request | None = None
        head = self._pending.front
        # it is done with memory, or has nothing to do there
        self.popped = done_i or (head is not None and not head.job.memory)
        if head is not None and head.job.memory and not self._asked and not halt_i:
            self.requests = Request(head.job.address, head.vectors, self._asked_half * self._machine.output_depth)

    def _offer(self, instruction: Instruction, tokens: bool) -> None:
        self._placed = isinstance(instruction, isa.Place)
        if not tokens:
            return
        self.end_o = isinstance(instruction, isa.End) and self._open == 0
        if isinstance(instruction, isa.Store | Turn) and self._open != STORE_QUEUE and not self._in_stage:
            half_free = self._occupied != OUTPUT_HALVES
            self.job = instruction if half_free or not instruction.memory else None

    def _write(self) -> None:
        self.write_enable_o, self.write_address_o = False, 0
        self.local_write_o: BankWrite | None = None
        vector, filling = self._vector, self._filling
        if vector is None or filling is None:
            return
        if filling.memory:
            self.write_enable_o = True
            self.write_address_o = self._filling_half * self._machine.output_depth + vector.index
        if filling.local:
            self.local_write_o = self._walk.write(self._place, vector.index, vector.data)

    def update(self, requests_ready: bool) -> None:
        """End of the clock."""
        done, job = self._done, self.job
        self._update_give()
        self._occupied += int(self._starts and job is not None and job.memory) - done
        self._open += self._starts - self.popped
        self._pending.update(self.popped and bool(self._pending.items), self._finished())
        self._update_stage()
        if done:
            self._asked = False
            self._asked_half ^= 1
        elif self.requests is not None and requests_ready:
            self._asked = True
        if isinstance(self._instruction, isa.Place) and self._placed:
            self._next_place = self._instruction

    def _finished(self) -> _Finished | None:
        """The job whose last vector comes in this clock."""
        job, vector = self._filling, self._vector
        if not self.stored_o or job is None or vector is None:
            return None
        if isinstance(job, Turn):
            return _Finished(job, vector.index + 1)
        return _Finished(job, job.count * (job.vectors if job.raw or self._machine.hw.outputs.gradients else 1))

    def _update_give(self) -> None:
        """Load's signal when a STORE has ended, execute's when its last vector has left the output stage."""
        head = self._pending.front
        self.give_o = head.job.signal_bits & 1 if self.popped and head is not None else 0
        if self.stored_o and self._filling is not None:
            self.give_o |= self._filling.signal_bits & 2

    def _update_stage(self) -> None:
        if self.local_write_o is not None and self._vector is not None:
            self._walk.advance(self._place, self._vector.index)
        if self.stored_o:
            self._in_stage = False
            if self._filling is not None and self._filling.memory:
                self._filling_half ^= 1
        if self._starts:
            self._filling, self._place, self._in_stage = self.job, self._next_place, True
            self._walk.restart()
