"""The mapper's view of the timing model: commands and tiles in, clocks out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from skipbeat_arch.command import Command
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.tile import PackedTile

#: Cycles of a command stream on a core whose surroundings are always willing.
Pricer = Callable[[Sequence[Command], Sequence[PackedTile], Hardware], int]


def limit_cycles(macs: int, hw: Hardware) -> int:
    """Clocks that the multipliers alone need for so many products with a nonzero weight."""
    return -(-macs // hw.pes)


def utilisation(macs: int, cycles: int, hw: Hardware) -> float:
    """Share of the PE-clocks that multiplied by a nonzero weight; 0 for a run without clocks."""
    return macs / (cycles * hw.pes) if cycles else 0.0
