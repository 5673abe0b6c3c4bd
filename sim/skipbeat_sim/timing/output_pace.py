"""How the output stage takes the items of a STORE, and how long the turner takes."""

from __future__ import annotations

from dataclasses import dataclass

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.depths import RAW_VECTORS, output_clocks
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.machine import Machine

#: From a STORE's begin to its first item: its 13 vectors of parameters are read.
PARAMETER_CLOCKS = 14
#: From the clock in which the last columns of a vector are sent to the vector.
PIPELINE, RAW_PIPELINE = 9, 2
#: From a TURN's begin to its last vector, beside the clocks in which its blocks are read and the last one given.
TURNER = 2


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Its clocks.

    Attributes:
        steps: from an item to the next one.
        window: items after which `pause` more clocks pass before the next one's.
    """

    steps: int
    window: int
    pause: int


def pace(hw: Hardware, pool: int, vectors: int) -> Pace:
    """Items of a window take a clock each, and the first one of the next window may have to wait."""
    clocks = output_clocks(hw, pool, vectors=vectors)
    steps, pause = (clocks, 0) if pool == 1 else (1, clocks - pool)
    return Pace(steps=steps, window=pool, pause=pause)


def vector_clocks(hw: Hardware, vectors: int) -> int:
    """Clocks from the one in which the last item of an output is taken to the last of its vectors."""
    return output_clocks(hw, vectors=vectors) + (RAW_PIPELINE if vectors == RAW_VECTORS else PIPELINE)


def turn_clocks(machine: Machine, count: Int64Array, lane: Int64Array, lanes: Int64Array) -> Int64Array:
    """Clocks from the begin of TURNs to their last vectors; `count` blocks each, of which `lanes` vectors leave."""
    return machine.vector * count + lane + lanes + TURNER
