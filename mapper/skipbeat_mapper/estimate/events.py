"""The events of a program around the core."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.engines import Kind, Opcode
from skipbeat_arch.machine import Machine
from skipbeat_arch.timing import MachineEvents
from skipbeat_sim.timing.columns import Columns


def machine_events(machine: Machine, program: Columns, read_bytes: int, written_bytes: int) -> MachineEvents:
    """The events around the core, counted from the instructions, each as often as it comes."""
    counts = program.count * program.times
    loads, stores, made = program.at(Opcode.LOAD), program.at(Opcode.STORE), program.stores
    loaded = np.bincount(program.kind[loads], counts[loads], max(Kind) + 1).astype(np.int64).tolist()
    count, pool = counts[stores], program.pool[stores]
    written = counts[made] * program.memory[made] * program.vectors[made]
    cleared = counts[program.at(Opcode.ZERO)] * machine.hw.array.rows // machine.bundles
    stored = count * program.local[stores]
    return MachineEvents(
        weight_vectors=loaded[Kind.WEIGHTS],
        activation_vectors=loaded[Kind.ACTIVATIONS] + int(cleared.sum()) + int(stored.sum()),
        parameter_vectors=loaded[Kind.PARAMETERS],
        residual_vectors=loaded[Kind.RESIDUAL],
        table_vectors=loaded[Kind.TABLE],
        weight_words=int((program.words * program.times).sum()),
        residual_reads=int((counts[made] * program.residual[made]).sum()),
        outputs=int(count.sum()) * machine.vector,
        comparisons=int((count * (pool - 1)).sum()) * machine.vector,
        output_vectors=int(written.sum()),
        instructions=program.total,
        read_bytes=read_bytes,
        written_bytes=written_bytes,
    )
