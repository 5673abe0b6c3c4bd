"""What each layer of a program needs at least of the array, the memory, the decoder and the output stage."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.estimate import Bound
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import MachineProgram, node_instructions
from skipbeat_mapper.bounds import lower_bounds
from skipbeat_sim.timing.stored_tiles import program_columns


def layer_bounds(program: MachineProgram, machine: Machine, *, again: bool = False) -> dict[str, dict[Bound, int]]:
    """For each layer the clocks in which each unit could do its part of it, if it never waited: lower bounds.

    A load counts for the layer that it is for, wherever it stands. The order is that in which the layers first appear.
    `again`: of a run right after another one.
    """
    code, columns = program.code(again=again), program_columns(program, machine, again=again)
    numbers: dict[str, list[int]] = {}
    for node, own in zip(code.nodes, node_instructions(code.nodes, code.count), strict=True):
        numbers.setdefault(node.name, []).extend(own)
    return {
        name: dict(lower_bounds(machine, columns.some(np.sort(np.array(own, np.int64)))))
        for name, own in numbers.items()
    }
