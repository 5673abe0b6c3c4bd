"""A program followed to its end over two arrays: the same clocks as the processes of `machine_run.py`, sooner.

It knows no repetition: what the compiler makes of it follows an instruction in less time than a copy takes to find.
"""

from __future__ import annotations

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.engines import Engine

from ..machine_run import MachineRun
from . import places as at
from .compiled import compiled
from .core import finish, run_pass, take_items, walk
from .engines import dispatch, execute_begin, load_begin, load_end, request, store_begin
from .filling import filled
from .memory import decide


@compiled
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


def follow(run: MachineRun) -> None:
    """Follow a program that has not begun; the run is then as if its own processes had."""
    s, m = filled(run)
    follow_arrays(s, m)

    def clocks(sequence: int) -> list[int]:
        first = s[at.SEQUENCES + sequence]
        found: list[int] = m[first : first + s[sequence]].tolist()
        return found

    wires, bus, core = run.wires, run.bus, run.core
    wires.dispatched[:] = clocks(at.DISPATCHED)
    wires.load_ended[:], wires.pass_taken[:] = clocks(at.LOAD_ENDED), clocks(at.PASS_TAKEN)
    wires.store_filled[:], wires.store_popped[:] = clocks(at.STORE_FILLED), clocks(at.STORE_POPPED)
    for giver in Engine:
        for taker in Engine:
            pair = at.ENGINES * giver + taker
            wires.tokens[giver][taker][:] = clocks(at.TOKENS + pair)
            wires.taken[giver][taker][:] = clocks(at.TOKENS_TAKEN + pair)
    run.load.begun[:], run.execute.begun[:] = clocks(at.BEGUN + Engine.LOAD), clocks(at.BEGUN + Engine.EXECUTE)
    run.store.begun[:], run.store.end = clocks(at.BEGUN + Engine.STORE), int(s[at.END])
    core.waiting[:], core.first[:], core.free[:] = clocks(at.WAITING), clocks(at.FIRST), clocks(at.FREE)
    for array, sequence in ((core.results.closed, at.CLOSED), (core.results.taken, at.TAKEN)):
        array[: s[sequence]] = clocks(sequence)
    bus.accepted[:], bus.finals[:] = clocks(at.ACCEPTED), clocks(at.FINALS)
    bus.burst_firsts[:], bus.burst_beats[:] = clocks(at.BURST_FIRSTS), clocks(at.BURST_BEATS)
    bus.beats_before[:] = clocks(at.BEATS_BEFORE)
    bus.reads, bus.writes = int(s[at.BEATS_READ]), int(s[at.BEATS_WRITTEN])
