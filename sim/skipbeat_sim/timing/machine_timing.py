"""The exact timing of a program on the whole machine, without running it; docs/machine_timing.md derives it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.depths import MOST_TOKENS
from skipbeat_arch.engines import Engine, Opcode
from skipbeat_arch.errors import InputError
from skipbeat_arch.instruction import Instruction
from skipbeat_arch.instruction_columns import InstructionColumns
from skipbeat_arch.machine import Machine
from skipbeat_arch.registers import Cause
from skipbeat_arch.tile import TileStatistics
from skipbeat_arch.timing import Events

from .bank_conflicts import check_bank_conflicts
from .cause_clocks import CauseClocks, PassClocks
from .columns import Columns, columns_of
from .event_counts import event_counts
from .kernel import places as at
from .kernel.filling import Arrays, filled
from .kernel.places import UNKNOWN, Followed, Repeat
from .program_check import check_header, check_program


@dataclass(frozen=True, kw_only=True)
class MachineTiming:
    """What a program costs.

    Attributes:
        cycles: from the clock of the start pulse (clock 0) to the first clock in which the machine is idle again.
        begin: when each instruction leaves its queue (ZERO: it begins; HEADER: it is dispatched).
        finish: LOAD: its last vector is written; ZERO: its last entry is written; PASS: its last step; STORE, TURN: all
            responses are there, or, without memory, it leaves the row of those that wait for them; others: `begin`.
        stored: of each STORE and TURN, in order, the clock in which its last vector is there (`stored_o`).
        clocks: the cycles by what the array did, by `Cause`; the sum is `cycles`.
        causes: the same up to any clock.
        bytes_read, bytes_written: over the memory bus.
        events: the core's.
        repeats: of a program that is cut short, what comes several times. `begin`, `finish` and `stored` are those of
            the first time, and all other figures those of the whole program.
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
    repeats: tuple[Repeat, ...] = ()


def machine_timing(
    machine: Machine, instructions: Sequence[Instruction], tiles: Sequence[TileStatistics], *, address: int = 0
) -> MachineTiming:
    """Cycles of a program, and where they go; exact, without running it.

    Args:
        machine: the hardware.
        instructions: the program.
        tiles: the tiles of the PASSes that load one, in order. Only their statistics are read.
        address: byte address of the program; where bursts end depends on it.

    Raises:
        InputError: a program that the machine answers with an error or that never ends, or that ends before its work.
    """
    check_header(machine, InstructionColumns.of(instructions[:1]))
    return columns_timing(machine, columns_of(machine, instructions, tiles), address=address)


@dataclass(frozen=True, kw_only=True, eq=False)
class CheckedProgram:
    """A program as it is followed: on machines that differ in their memory's latency and bursts at once it is the same.

    Attributes:
        columns: its instructions. arrays: what is read of them.
        events: the core's.
    """

    columns: Columns
    arrays: Arrays
    events: Events

    @classmethod
    def of(cls, machine: Machine, program: Columns) -> CheckedProgram:
        """A program that is given as columns.

        Raises:
            InputError: what the machine would answer with an error, whatever the memory does.
        """
        check_program(program, machine.hw)
        return cls(columns=program, arrays=filled(machine, program), events=event_counts(program.passes, machine.hw))


def columns_timing(machine: Machine, program: Columns, *, address: int = 0) -> MachineTiming:
    """The same of a program that is given as columns.

    Raises:
        InputError: as for `machine_timing`.
        NotAlikeError: a program that was cut short where it may not be.
    """
    return checked_timing(machine, CheckedProgram.of(machine, program), address=address)


def checked_timing(machine: Machine, checked: CheckedProgram, *, address: int = 0) -> MachineTiming:
    """The same of a program that was checked.

    Raises:
        InputError: as for `machine_timing`.
        NotAlikeError: as for `columns_timing`.
    """
    from .kernel.follow import follow  # only now: whoever asks for a kept price needs no compiler

    program = checked.columns
    run = follow(machine, program, checked.arrays, address)
    begin = _begin(program, run)
    finish = _finish(program, run, begin)
    end, passes = run.value(at.END), program.passes
    _check_ends(program, finish, end)
    _check_tokens(run)
    check_bank_conflicts(machine, program, run, begin)
    cycles = _quiet(run, end + 1) + 1
    _check_finished(program, finish, end, cycles)
    later = clocks_before(len(program), run.repeats)
    causes = CauseClocks(
        _pass_clocks(program, run), run.clocks(at.CLOSED), passes.times, later[program.at(Opcode.PASS)]
    )
    cycles += int(later[-1])
    beats_read, beats_written = (
        run.value(value) + sum(each.times * getattr(each, name) for each in run.repeats)
        for value, name in ((at.BEATS_READ, "beats_read"), (at.BEATS_WRITTEN, "beats_written"))
    )
    return MachineTiming(
        cycles=cycles,
        begin=tuple((begin + later).tolist()),
        finish=tuple((finish + later).tolist()),
        stored=tuple((run.clocks(at.STORE_FILLED) + later[program.stores]).tolist()),
        clocks=causes.until(cycles - 1),
        causes=causes,
        bytes_read=beats_read * machine.beat_bytes,
        bytes_written=beats_written * machine.beat_bytes,
        events=checked.events,
        repeats=run.repeats,
    )


def clocks_before(count: int, repeats: Sequence[Repeat]) -> Int64Array:
    """Clocks that what is left out before each of so many instructions takes, int64 [instructions]."""
    later = np.zeros(count, np.int64)
    for each in repeats:
        later[each.stop :] += each.times * each.clocks
    return later


def _begin(program: Columns, run: Followed) -> Int64Array:
    """When each instruction began, as `MachineTiming` says; -1 if it never did."""
    clocks = np.full(len(program), UNKNOWN, np.int64)
    clocks[0] = run.clocks(at.DISPATCHED)[0]
    for engine in Engine:
        _put(clocks, program.of_engine[engine], run.clocks(at.BEGUN + engine))
    return clocks


def _finish(program: Columns, run: Followed, begin: Int64Array) -> Int64Array:
    """When each instruction finished, of those that `begin` says; -1 if it never did."""
    clocks, zeros = begin.copy(), program.at(Opcode.ZERO)
    clocks[zeros] += np.where(begin[zeros] == UNKNOWN, 0, program.count[zeros])
    _put(clocks, program.at(Opcode.LOAD), run.clocks(at.LOAD_ENDED) + 1)
    _put(clocks, program.at(Opcode.PASS), run.clocks(at.FREE))
    _put(clocks, program.stores, run.clocks(at.STORE_POPPED))
    return clocks


def _put(clocks: Int64Array, numbers: Int64Array, known: Int64Array) -> None:
    """The clocks of the first of these instructions, and `UNKNOWN` for the rest."""
    clocks[numbers[: known.size]] = known
    clocks[numbers[known.size :]] = UNKNOWN


def _pass_clocks(program: Columns, run: Followed) -> Int64Array:
    """When each pass ran: int64 [passes, fields of `PassClocks`]."""
    pixels, beat, _, load, _, last = program.passes.fields
    items = np.cumsum(np.where(last == 1, pixels, 0)) - pixels
    columns = PassClocks(
        waiting=run.clocks(at.WAITING),
        take=run.clocks(at.PASS_TAKEN),
        load=load,
        first=run.clocks(at.FIRST),
        last=run.clocks(at.FREE),
        beat=np.maximum(beat, 1),
        pixels=pixels,
        item=np.where(last == 1, items, -1),
    )
    return np.stack(columns, axis=1)


def _quiet(run: Followed, clock: int) -> int:
    """The first clock from `clock` on in which the reader has nothing to do."""
    accepted, finals = run.clocks(at.ACCEPTED), run.clocks(at.FINALS)
    later = int(np.searchsorted(finals, clock))
    for begin, final in zip(accepted[later:].tolist(), finals[later:].tolist(), strict=True):
        if begin < clock <= final:
            clock = final + 1
    return clock


def _check_ends(program: Columns, finish: Int64Array, end: int) -> None:
    if end < 0:
        number = int(np.argmax(finish < 0))
        raise InputError(f"program: it never ends: {program.title(number)} cannot finish")


def _check_finished(program: Columns, finish: Int64Array, end: int, cycles: int) -> None:
    """LOADs may still be under way at the END: the machine waits for the reader. Everything else must have finished."""
    last = np.where(program.opcode == Opcode.LOAD, cycles, end)
    late = np.flatnonzero((finish < 0) | (finish > last))
    if late.size:
        raise InputError(f"program: it ends before {program.title(int(late[0]))} has finished")


def _check_tokens(run: Followed) -> None:
    """A token more than a counter can hold is an error; `tokens` are there one clock after they are given."""
    for giver, taker in itertools.permutations(Engine, 2):
        pair = at.ENGINES * giver + taker
        given, taken = run.clocks(at.TOKENS + pair)[MOST_TOKENS:], run.clocks(at.TOKENS_TAKEN + pair)
        if given.size > taken.size or (taken[: given.size] > given - 1).any():
            names = f"{giver.name.lower()} to {taker.name.lower()}"
            raise InputError(f"program: more than {MOST_TOKENS} tokens from {names}")
