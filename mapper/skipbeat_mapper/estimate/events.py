"""The events of a program around the core."""

from __future__ import annotations

from collections.abc import Sequence

from skipbeat_arch.estimate import MachineEvents
from skipbeat_arch.instruction import Instruction, Kind, Opcode
from skipbeat_arch.machine import Machine

#: The event that a LOAD's vectors count for.
_LOADED = {
    Kind.WEIGHTS: "weight_vectors",
    Kind.ACTIVATIONS: "activation_vectors",
    Kind.PARAMETERS: "parameter_vectors",
    Kind.RESIDUAL: "residual_vectors",
    Kind.TABLE: "table_vectors",
}


def machine_events(
    machine: Machine, instructions: Sequence[Instruction], read_bytes: int, written_bytes: int
) -> MachineEvents:
    """The events around the core, counted from the instructions."""
    counts = dict.fromkeys([*_LOADED.values(), "weight_words", "residual_reads", "outputs", "output_vectors"], 0)
    for instruction in instructions:
        opcode, fields = instruction.opcode, instruction.fields
        if opcode == Opcode.PASS:
            counts["weight_words"] += fields["words"]
        elif opcode == Opcode.LOAD:
            counts[_LOADED[Kind(fields["kind"])]] += fields["count"]
        elif opcode == Opcode.ZERO:
            counts["activation_vectors"] += fields["count"] * machine.hw.array.rows // machine.bundles
        elif opcode == Opcode.STORE:
            count = fields["count"]
            counts["outputs"] += count * fields["pool"] * machine.vector
            counts["output_vectors"] += count * fields["memory"] * (4 if fields["raw"] else 1)
            counts["activation_vectors"] += count * fields["local"]
            counts["residual_reads"] += count * fields["residual"]
    return MachineEvents(**counts, instructions=len(instructions), read_bytes=read_bytes, written_bytes=written_bytes)
