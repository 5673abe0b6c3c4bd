"""The parts that make the store engine's vectors, as one: the output stage, and the turner if there is one."""

from __future__ import annotations

from skipbeat_arch.engines import Opcode
from skipbeat_arch.instruction import OPCODE_BITS
from skipbeat_arch.machine import Machine

from .memories import Memories
from .output import OutputStage, Vector
from .turner import Turner


class Stages:
    """Only one of them has a job at a time: the store engine gives the next one when the last vector has come."""

    def __init__(self, machine: Machine) -> None:
        self.output = OutputStage(machine)
        self.turner = Turner(machine) if machine.hw.outputs.turn else None

    def reset(self) -> None:
        """All registers."""
        self.output.reset()
        if self.turner is not None:
            self.turner.reset()

    @property
    def vector_o(self) -> Vector | None:
        """The vector that is shown."""
        turned = None if self.turner is None else self.turner.vector_o
        return turned or self.output.vector_o

    @property
    def jobs_ready(self) -> bool:
        """A job can be taken."""
        return self.output.jobs_ready and (self.turner is None or self.turner.jobs_ready)

    @property
    def turns(self) -> bool:
        """The turner reads a vector."""
        return self.turner is not None and self.turner.residual_enable_o

    def read(self, memories: Memories) -> None:
        """Parameters and residuals."""
        output = self.output
        if output.loading:
            memories.read_parameter(output.parameter_address_o)
        if output.reads_residual:
            memories.read_residual(output.residual_address_o)
        if self.turner is not None and self.turns:
            memories.read_residual(self.turner.residual_address_o)

    def update(self, jobs: int | None, parameter_i: int, residual_i: int) -> None:
        """End of a clock with a STORE or a TURN on the stream, if not None, and the data of two memories."""
        turns = jobs is not None and jobs & (1 << OPCODE_BITS) - 1 == Opcode.TURN
        self.output.update(None if turns else jobs, parameter_i, residual_i)
        if self.turner is not None:
            self.turner.update(jobs if turns else None, residual_i)
