"""Passes one after the other under ideal ports: the recurrences of docs/timing.md."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.compiled import kept
from skipbeat_arch.depths import CORE_QUEUE
from skipbeat_arch.hardware import Hardware

from ..load_timing import NEVER
from ..pass_columns import PassColumns
from . import places as at
from .access import get, put
from .core import settled
from .filling import Filled, arranged, tile_columns
from .places import Followed
from .tiles import load_tile


@kept("skipbeat_sim.timing")
def follow_passes(s: Int64Array, m: Int64Array) -> None:
    """When each pass is taken, and when its bank is full (0 if it loads no tile)."""
    queued, free, bank_free, loads = -1, 0, NEVER, 0
    for number in range(s[at.PIXELS]):
        if number >= CORE_QUEUE:
            queued = max(queued, get(s, m, at.PASS_TAKEN, number - CORE_QUEUE))
        queued += 1
        take, full = max(queued + 1, free), 0
        if get(s, m, at.LOADS_TILE, number):
            full = load_tile(s, m, get(s, m, at.TILE_PATH, loads), queued, bank_free, queued + 2)
            take, loads = max(take, full), loads + 1
        if number and not get(s, m, at.IS_FIRST, number):
            take = max(take, settled(s, m, number))
        put(s, m, at.PASS_TAKEN, take)
        put(s, m, at.FIRST, take + 1)
        put(s, m, at.WAITING, full)
        if loads > 1 and get(s, m, at.LOADS_TILE, number):
            bank_free = take + 1
        free = take + get(s, m, at.PIXELS, number) * max(get(s, m, at.BEAT, number), 1)


def follow_ideal(passes: PassColumns, hw: Hardware) -> tuple[Int64Array, Int64Array]:
    """When each pass is taken, and when its bank is full (0 if it loads no tile), both int64 [passes]."""
    pixels, beat, _, load, first, _ = passes.fields
    columns: Filled = {at.PIXELS: pixels, at.BEAT: beat, at.IS_FIRST: first, at.LOADS_TILE: load}
    columns[at.IS_LAST] = np.zeros_like(pixels)  # no item waits for a credit: all passes step evenly
    room = dict.fromkeys((at.PASS_TAKEN, at.FIRST, at.WAITING), len(passes))
    run = Followed(*arranged(columns | tile_columns(passes, hw), room, hw).begin())
    follow_passes(run.s, run.m)
    return run.clocks(at.PASS_TAKEN), run.clocks(at.WAITING)
