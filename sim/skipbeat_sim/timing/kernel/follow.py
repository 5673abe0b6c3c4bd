"""A program followed to its end: every process goes on as far as it can, then the bus decides what comes next."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.compiled import kept
from skipbeat_arch.engines import Opcode
from skipbeat_arch.machine import Machine

from ..columns import Columns
from . import places as at
from .bus import decide
from .core import finish, run_pass, take_items, walk
from .engines import dispatch, execute_begin, load_begin, load_end, request, store_begin
from .filling import Arrays, begun
from .places import Followed
from .repeats import Snapshot, repeats


@kept("skipbeat_sim.timing")
def follow_arrays(s: Int64Array, m: Int64Array, passes: int) -> None:
    """Let every process go on until all of them wait, and the bus decide, until nothing is left to decide.

    Or until all of them wait and the core has ended so many passes.
    """
    while True:
        moved = True
        while moved:
            moved = execute_begin(s, m)
            moved = walk(s, m) or moved
            moved = run_pass(s, m) or moved
            moved = take_items(s, m) or moved
            moved = finish(s, m) or moved
            moved = store_begin(s, m) or moved
            moved = dispatch(s, m) or moved
            moved = request(s, m) or moved
            moved = load_end(s, m) or moved
            moved = load_begin(s, m) or moved
        if s[at.CORE_PASS] >= passes or not decide(s, m):
            return


def follow(machine: Machine, program: Columns, arrays: Arrays, address: int) -> Followed:
    """Follow a program, whose `arrays` have not begun and whose first instruction lies at a byte address.

    Raises:
        NotAlikeError: what was cut out of it may not run as what stands for it.
    """
    s, m = begun(arrays, machine, address)
    places = sorted({each for cut in program.cuts for place in cut.places for each in place})
    passes, seen = program.at(Opcode.PASS), dict[int, Snapshot]()
    for place in places:
        follow_arrays(s, m, int(np.searchsorted(passes, place)))
        seen[place] = Snapshot.of(s, m)
    follow_arrays(s, m, len(passes) + 1)
    return Followed(s, m, repeats(machine, program, m, seen))
