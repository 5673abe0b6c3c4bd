"""The exact timing model of the core under ideal ports: recurrences over tiles and passes.

Ideal ports: commands, weights and activations are always offered and results are always taken. Then every clock
of the core is a maximum of earlier clocks plus constants, and the run is the longest path through them.
`docs/timing.md` shows which of these paths can be the longest one. Per pass n:

    queued = max(queued of n-1 + 1, take of n-4 + 1)
    free   = take of n-1 + pixels · b of n-1
    take   = max(queued + 1, free, full (if it loads), `settled` (if not `first`))

and per tile k, loaded by a pass:

    start     = max(queued + 2, last word of k-1)                      its words may flow from the next clock on
    metadata  = max(start + words, room for the last of them in the metadata FIFO)        its last metadata word
    read      = max(start + 1, last step of the tile decoded before) + 1        its first metadata word can be read
    last word = max(metadata + words, the clocks after fires that free places of the ring)
    full      = last fire + 1

With M = 1 there is only `last word = max(start + 1, bank) + words - 1`, and the bank is full in the clock after it.

`load_timing` gives the clocks inside the tile: reads of its metadata, last step, last load, last fires.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skipbeat_arch.command import Command
from skipbeat_arch.depths import core_latency
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.tile import TileStatistics
from skipbeat_arch.timing import Clocks, CoreTiming

from .event_counts import event_counts
from .pass_columns import PassColumns


def core_timing(commands: Sequence[Command], tiles: Sequence[TileStatistics], hw: Hardware) -> CoreTiming:
    """Cycles, their causes and the events of a program under ideal ports; exact, without running it.

    Clocks before the first step and after the last are `fill_drain`. A clock between them without a step is
    `tile_wait` while the next pass's tile is not loaded, else `hazard`. A program without commands takes 0 cycles.

    Args:
        commands: the program.
        tiles: the tiles of the commands with `load`, in order. Only their statistics are read.
        hw: the hardware.

    Raises:
        InputError: a command or tile that the core would answer with an error, tiles that are not the commands',
            or a last command without `last` (the run then has no last result).
    """
    passes = PassColumns.of(commands, tiles)
    clocks = _core_clocks(passes, hw)
    return CoreTiming(cycles=clocks.cycles, clocks=clocks, events=event_counts(passes, hw))


def core_cycles(passes: PassColumns, hw: Hardware) -> int:
    """The cycles of `core_timing` alone.

    Raises:
        InputError: as for `core_timing`.
    """
    return _core_clocks(passes, hw).cycles


def _core_clocks(passes: PassColumns, hw: Hardware) -> Clocks:
    passes.check(hw)
    if not len(passes):
        return Clocks()
    pixels, beat, _, _, _, last = passes.fields
    if not last[-1]:
        raise InputError("program: its last command must be `last`, or the run has no last result")
    from .kernel.ideal_ports import follow_ideal

    takes, full = follow_ideal(passes, hw)
    steps = pixels * np.maximum(beat, 1)
    free, later = (takes + steps)[:-1], takes[1:]
    waited = np.minimum(np.maximum(full[1:] - free, 0), later - free)
    return Clocks(
        compute=int(steps.sum()),
        tile_wait=int(waited.sum()),
        hazard=int((later - free - waited).sum()),
        fill_drain=int(takes[0]) + 1 + core_latency(hw),
    )
