"""The sizes of all memories."""

from __future__ import annotations

from skipbeat_arch.machine import PARAMETER_BLOCKS, PARAMETER_PITCH, TABLE_ENTRIES, Machine

from ..placing.regions import MAX_ENTRIES, bank_entries
from .units import Space


def memory_sizes(machine: Machine, vectors: int) -> dict[Space, int]:
    """Entries of every memory that addresses reach; the external one is given `vectors`."""
    return {
        Space.WEIGHTS: min(machine.weight_depth, MAX_ENTRIES),
        Space.ACTIVATIONS: bank_entries(machine),
        Space.PARAMETERS: PARAMETER_BLOCKS * PARAMETER_PITCH,
        Space.RESIDUAL: min(machine.residual_depth, MAX_ENTRIES),
        Space.TABLE: TABLE_ENTRIES,
        Space.MEMORY: vectors,
    }
