"""A program followed to its end: every process goes on as far as it can, then the bus decides what comes next."""

from __future__ import annotations

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.compiled import kept
from skipbeat_arch.machine import Machine

from ..columns import Columns
from .bus import decide
from .core import finish, run_pass, take_items, walk
from .engines import dispatch, execute_begin, load_begin, load_end, request, store_begin
from .filling import filled
from .places import Followed


@kept("skipbeat_sim.timing")
def follow_arrays(s: Int64Array, m: Int64Array) -> None:
    """Let every process go on until all of them wait, and the bus decide, until nothing is left to decide."""
    going = True
    while going:
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
        going = decide(s, m)


def follow(machine: Machine, program: Columns, address: int) -> Followed:
    """Follow a program whose first instruction lies at a byte address."""
    s, m = filled(machine, program, address)
    follow_arrays(s, m)
    return Followed(s, m)
