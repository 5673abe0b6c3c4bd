"""The exact timing of a program on the whole machine, without running it; docs/machine_timing.md derives it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skipbeat_arch import instruction as isa
from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.depths import MOST_TOKENS
from skipbeat_arch.engines import Engine
from skipbeat_arch.errors import InputError
from skipbeat_arch.instruction import Instruction
from skipbeat_arch.machine import Machine
from skipbeat_arch.registers import Cause
from skipbeat_arch.tile import TileStatistics
from skipbeat_arch.timing import Events

from .bank_conflicts import check_bank_conflicts
from .bus import Bus
from .cause_clocks import CauseClocks, PassClocks
from .event_counts import event_counts
from .machine_run import MachineRun
from .replay import Replay
from .timed_program import Program, read_program
from .wires import Wires

#: Instructions of a program that is followed to its end sooner than it is looked at for repetition.
FEW = 128


@dataclass(frozen=True, kw_only=True)
class MachineTiming:
    """What a program costs.

    Attributes:
        cycles: from the clock of the start pulse (clock 0) to the first clock in which the machine is idle again.
        begin: when each instruction leaves its queue (ZERO: it begins; HEADER: it is dispatched).
        finish: LOAD: its last vector is written; ZERO: its last entry is written; PASS: its last step; STORE: all
            responses are there, or, without memory, it leaves the row of those that wait for them; others: `begin`.
        stored: of each STORE, in order, the clock in which its last vector leaves the output stage (`stored_o`).
        clocks: the cycles by what the array did, by `Cause`; the sum is `cycles`.
        causes: the same up to any clock.
        bytes_read, bytes_written: over the memory bus.
        events: the core's.
    """

    cycles: int
    begin: tuple[int, ...]
    finish: tuple[int, ...]
    stored: tuple[int, ...]
    clocks: dict[Cause, int]
    causes: CauseClocks
    bytes_read: int
    bytes_written: int
    events: Events


def machine_timing(
    machine: Machine,
    instructions: Sequence[Instruction],
    tiles: Sequence[TileStatistics],
    *,
    address: int = 0,
    skip: bool = True,
) -> MachineTiming:
    """Cycles of a program, and where they go; exact, without running it.

    Args:
        machine: the hardware.
        instructions: the program.
        tiles: the tiles of the PASSes that load one, in order. Only their statistics are read.
        address: byte address of the program; where bursts end depends on it.
        skip: whether what repeats is copied instead of followed again; the clocks are the same.

    Raises:
        InputError: a program that the machine answers with an error or that never ends, or that ends before its work.
    """
    program = read_program(machine, instructions, tiles, address)
    run = MachineRun(program)
    replay = Replay(run) if skip and len(instructions) >= FEW else None
    run.settle()
    while run.step():
        if replay is not None:
            replay.visit()
    begin = run.begin()
    finish = run.finish(begin)
    end, bus, core = run.store.end, run.bus, run.core
    _check_ends(program, finish, end)
    _check_tokens(run.wires)
    check_bank_conflicts(program, bus, core.results, begin)
    cycles = _quiet(bus, end + 1) + 1
    _check_finished(program, finish, end, cycles)
    causes = CauseClocks(_pass_clocks(run), core.results.closed)
    return MachineTiming(
        cycles=cycles,
        begin=tuple(begin),
        finish=tuple(finish),
        stored=tuple(run.wires.store_filled),
        clocks=causes.until(cycles - 1),
        causes=causes,
        bytes_read=bus.reads * bus.beat_bytes,
        bytes_written=bus.writes * bus.beat_bytes,
        events=event_counts(program.commands, program.tiles, machine.hw),
    )


def _pass_clocks(run: MachineRun) -> Int64Array:
    """When each pass ran: int64 [passes, fields of `PassClocks`]."""
    core, commands = run.core, run.program.commands
    columns = PassClocks(
        waiting=core.waiting,
        take=run.wires.pass_taken,
        load=[c.load for c in commands],
        first=core.first,
        last=core.free,
        beat=[max(c.beat, 1) for c in commands],
        pixels=[c.pixels for c in commands],
        item=[item if c.last else -1 for c, item in zip(commands, core.items, strict=False)],
    )
    return np.stack([np.array(column, np.int64) for column in columns], axis=1)


def _quiet(bus: Bus, clock: int) -> int:
    """The first clock from `clock` on in which the reader has nothing to do."""
    for accepted, final in zip(bus.accepted, bus.finals, strict=True):
        if accepted < clock <= final:
            clock = final + 1
    return clock


def _check_ends(program: Program, finish: Sequence[int], end: int) -> None:
    if end >= 0:
        return
    for number, instruction in enumerate(program.instructions):
        if finish[number] < 0:
            raise InputError(f"program: it never ends: instruction {number} ({instruction.title}) cannot finish")


def _check_finished(program: Program, finish: Sequence[int], end: int, cycles: int) -> None:
    """LOADs may still be under way at the END: the machine waits for the reader. Everything else must have finished."""
    for number, instruction in enumerate(program.instructions):
        last = cycles if isinstance(instruction, isa.Load) else end
        if not 0 <= finish[number] <= last:
            raise InputError(f"program: it ends before instruction {number} ({instruction.title}) has finished")


def _check_tokens(wires: Wires) -> None:
    """A token more than a counter can hold is an error; `tokens` are there one clock after they are given."""
    for giver, taker in itertools.permutations(Engine, 2):
        given, taken = wires.tokens[giver][taker], wires.taken[giver][taker]
        for index in range(MOST_TOKENS, len(given)):
            before = index - MOST_TOKENS
            if before >= len(taken) or taken[before] > given[index] - 1:
                names = f"{giver.name.lower()} to {taker.name.lower()}"
                raise InputError(f"program: more than {MOST_TOKENS} tokens from {names}")
