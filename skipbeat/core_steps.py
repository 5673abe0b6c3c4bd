"""How long the array alone would take for each layer of a program."""

from __future__ import annotations

from skipbeat_arch.instruction import Opcode
from skipbeat_arch.machine_program import MachineProgram
from skipbeat_sim.machine_timing.program import command_of


def core_steps(program: MachineProgram) -> list[int]:
    """Steps of the array in each layer: the clocks that it takes if the core never waits. A beat of 0 takes one too."""
    instructions, steps = program.instructions, []
    for step in program.steps:
        passes = (i for i in instructions[step.start : step.stop] if i.opcode == Opcode.PASS)
        commands = [command_of(instruction) for instruction in passes]
        steps.append(sum(command.pixels * max(1, command.beat) for command in commands))
    return steps
