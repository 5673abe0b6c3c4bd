"""The events of a program around the core."""

from __future__ import annotations

from collections.abc import Sequence

from skipbeat_arch import instruction as isa
from skipbeat_arch.engines import Kind
from skipbeat_arch.estimate import MachineEvents
from skipbeat_arch.instruction import Instruction
from skipbeat_arch.machine import Machine

#: The event that a LOAD's vectors count for.
_LOADED = {
    Kind.WEIGHTS: "weight_vectors",
    Kind.ACTIVATIONS: "activation_vectors",
    Kind.PARAMETERS: "parameter_vectors",
    Kind.RESIDUAL: "residual_vectors",
    Kind.TABLE: "table_vectors",
}

#: The events of STOREs.
_OUTPUTS = ("residual_reads", "outputs", "comparisons", "output_vectors")


def machine_events(
    machine: Machine, instructions: Sequence[Instruction], read_bytes: int, written_bytes: int
) -> MachineEvents:
    """The events around the core, counted from the instructions."""
    counts = dict.fromkeys([*_LOADED.values(), "weight_words", *_OUTPUTS], 0)
    for instruction in instructions:
        if isinstance(instruction, isa.Pass):
            counts["weight_words"] += instruction.words
        elif isinstance(instruction, isa.Load):
            counts[_LOADED[Kind(instruction.kind)]] += instruction.count
        elif isinstance(instruction, isa.Zero):
            counts["activation_vectors"] += instruction.count * machine.hw.array.rows // machine.bundles
        elif isinstance(instruction, isa.Store):
            count = instruction.count
            counts["outputs"] += count * machine.vector
            counts["comparisons"] += count * (instruction.pool - 1) * machine.vector
            counts["output_vectors"] += count * instruction.memory * (4 if instruction.raw else 1)
            counts["activation_vectors"] += count * instruction.local
            counts["residual_reads"] += count * instruction.residual
    return MachineEvents(**counts, instructions=len(instructions), read_bytes=read_bytes, written_bytes=written_bytes)
