"""The exact timing of a program on the whole machine, without running it; docs/machine_timing.md derives it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from skipbeat_arch import instruction as isa
from skipbeat_arch.depths import MOST_TOKENS
from skipbeat_arch.errors import InputError
from skipbeat_arch.instruction import Instruction
from skipbeat_arch.machine import Machine
from skipbeat_arch.registers import Cause
from skipbeat_arch.tile import TileStatistics
from skipbeat_arch.timing import Events

from .bank_conflicts import check_bank_conflicts
from .bus import Bus
from .cause_clocks import CauseClocks
from .core_clocks import CoreClocks
from .event_counts import event_counts
from .execute_clocks import ExecuteClocks
from .fetch_clocks import dispatch, request_instructions
from .load_clocks import LoadClocks
from .spans import Spans
from .store_clocks import StoreClocks
from .timed_program import Program, read_program
from .wires import Wires


@dataclass(frozen=True, kw_only=True)
class MachineTiming:
    """What a program costs.

    Attributes:
        cycles: from the clock of the start pulse (clock 0) to the first clock in which the machine is idle again.
        begin, finish: of each instruction, as `Spans` says.
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
    program = read_program(machine, instructions, tiles, address)
    wires, spans = Wires(), Spans(len(program.instructions))
    bus = Bus(machine, wires)
    core = CoreClocks(program, wires, spans)
    store = StoreClocks(program, wires, bus, core.results, spans)
    _run(program, wires, bus, core, store, spans)
    spans.begin[0] = spans.finish[0] = wires.dispatched.clocks[0]
    _check_ends(program, spans, store.end)
    _check_tokens(wires)
    check_bank_conflicts(program, bus, core.results, spans)
    cycles = _quiet(bus, store.end + 1) + 1
    _check_finished(program, spans, store.end, cycles)
    causes = CauseClocks(core.ran, core.results.closed)
    return MachineTiming(
        cycles=cycles,
        begin=tuple(spans.begin),
        finish=tuple(spans.finish),
        stored=tuple(wires.store_filled.clocks),
        clocks=causes.until(cycles - 1),
        causes=causes,
        bytes_read=bus.reads * bus.beat_bytes,
        bytes_written=bus.writes * bus.beat_bytes,
        events=event_counts(program.commands, program.tiles, machine.hw),
    )


def _run(program: Program, wires: Wires, bus: Bus, core: CoreClocks, store: StoreClocks, spans: Spans) -> None:
    """Lets everything that goes on in the machine go on until nothing does."""
    load, execute = LoadClocks(program, wires, bus, spans), ExecuteClocks(program, wires, core, spans)
    processes = (
        request_instructions(program, wires, bus),
        dispatch(program, wires),
        load.begin(),
        load.end(),
        execute.begin(),
        execute.read_ahead(),
        execute.walk(),
        core.passes(),
        store.begin(),
        store.take_items(),
        store.finish(),
    )
    for process in processes:
        wires.scheduler.start(process)
    wires.scheduler.run()
    while bus.step():
        wires.scheduler.run()


def _quiet(bus: Bus, clock: int) -> int:
    """The first clock from `clock` on in which the reader has nothing to do."""
    for first, last in bus.busy:
        if first <= clock <= last:
            clock = last + 1
    return clock


def _check_ends(program: Program, spans: Spans, end: int) -> None:
    if end >= 0:
        return
    for number, instruction in enumerate(program.instructions):
        if spans.finish[number] < 0:
            raise InputError(f"program: it never ends: instruction {number} ({instruction.title}) cannot finish")


def _check_finished(program: Program, spans: Spans, end: int, cycles: int) -> None:
    """LOADs may still be under way at the END: the machine waits for the reader. Everything else must have finished."""
    for number, instruction in enumerate(program.instructions):
        last = cycles if isinstance(instruction, isa.Load) else end
        if not 0 <= spans.finish[number] <= last:
            raise InputError(f"program: it ends before instruction {number} ({instruction.title}) has finished")


def _check_tokens(wires: Wires) -> None:
    """A token more than a counter can hold is an error; `tokens` are there one clock after they are given."""
    for pair, channel in wires.tokens.items():
        given, taken = channel.clocks, wires.taken[pair]
        for index in range(MOST_TOKENS, len(given)):
            before = index - MOST_TOKENS
            if before >= len(taken) or taken[before] > given[index] - 1:
                giver, taker = (engine.name.lower() for engine in pair)
                raise InputError(f"program: more than {MOST_TOKENS} tokens from {giver} to {taker}")
