"""What a program takes on the core alone, if its four ports are always served."""

from __future__ import annotations

from skipbeat_arch.hardware import Hardware
from skipbeat_sim.timing.core_timing import core_cycles

from .program.lowering import Lowered


def core_clocks(lowered: Lowered, hw: Hardware) -> int:
    """Clocks of the core for the passes of a program, by the timing model, from the first command to the last sum."""
    return core_cycles(lowered.columns.passes, hw)
