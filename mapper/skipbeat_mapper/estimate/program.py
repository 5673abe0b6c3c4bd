"""A step's program without its data: instructions and the statistics of the tiles that its passes load."""

from __future__ import annotations

from dataclasses import dataclass

from skipbeat_arch.errors import InputError
from skipbeat_arch.estimate import MachineEvents
from skipbeat_arch.instruction import INSTRUCTION_BYTES, Instruction, Kind, Opcode
from skipbeat_arch.machine import Machine
from skipbeat_arch.tile import TileStatistics

from ..machine.compile import ADDRESS_BITS
from ..machine.emitter import Emitter
from ..machine.memory_map import MemoryMap
from ..machine.plan import plan


@dataclass(frozen=True, kw_only=True, eq=False)
class PricedProgram:
    """What the timing model needs of a program; `compile_network` makes the same instructions."""

    instructions: list[Instruction]
    tiles: list[TileStatistics]


def priced_program(memory: MemoryMap, name: str) -> PricedProgram:
    """The program of a memory map of one step.

    Raises:
        InputError: a buffer is too small, or the step needs more memory than addresses reach.
    """
    machine = memory.machine
    units = list(plan(memory))
    tiles = [op.tile for unit in units for op in unit.passes if op.tile is not None]
    emitter = Emitter(machine, memory.vectors)
    emitter.run(units)
    alignment = machine.burst_beats * machine.vector
    start = -(-len(emitter.drafts) * INSTRUCTION_BYTES // alignment) * alignment
    if start + memory.vectors * machine.vector >= 1 << ADDRESS_BITS:
        raise InputError(f"layer {name}: it needs more memory than {ADDRESS_BITS}-bit addresses reach")
    return PricedProgram(instructions=[draft.instruction(start) for draft in emitter.drafts], tiles=tiles)


#: The event that a LOAD's vectors count for.
_LOADED = {
    Kind.WEIGHTS: "weight_vectors", Kind.ACTIVATIONS: "activation_vectors", Kind.PARAMETERS: "parameter_vectors",
    Kind.RESIDUAL: "residual_vectors", Kind.TABLE: "table_vectors",
}  # fmt: skip


def machine_events(
    machine: Machine, instructions: list[Instruction], read_bytes: int, written_bytes: int
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
