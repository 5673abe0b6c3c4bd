"""The regression that mutants must survive: programs of a machine with what the cycle model says of each."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from skipbeat_arch.arrays import Bytes
from skipbeat_arch.machine import Machine
from skipbeat_arch.registers import Counter
from skipbeat_hw.simulation.machine_driver import MachineRun, VerilatedMachine, WriteOrder
from skipbeat_sim.machine.run_machine import run_machine
from tests.mutation.address_cases import address_cases, word_cases
from tests.mutation.contradictory_cases import contradictory_cases
from tests.mutation.engine_cases import abandoned, decoding, engine_cases, error_cases, waiting_tiles
from tests.mutation.limit_cases import limit_cases, stale_cases
from tests.mutation.memory_cases import memory_cases
from tests.mutation.output_cases import output_cases
from tests.mutation.script import Program
from tests.mutation.tile_cases import tile_cases
from tests.sim.machine.machine_programs import MachineProgram

#: The model's longest run.
MAX_CLOCKS = 20_000
#: Clocks that a mutant may take more than the model before it counts as hanging.
MARGIN = 200
#: How often a memory refuses, in turn, and how much longer a run may take then, generously.
STALL_PERCENTS = (35, 80)
STALLED = 30
RANDOM_PROGRAMS = 16
#: Of the cases that end, how many are run again with an unwilling memory, with a reset, and after an error.
AGAIN_STALLED, AGAIN_RESET, AGAIN_AFTER = 10, 4, 20
#: Of the others that end, one in so many is run again with an unwilling memory, or aborted before a short one.
OTHERS_STALLED, OTHERS_ABORTED = 3, 4


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """A run and what must come of it.

    Attributes:
        program: what is run.
        cycles, done, error, stored, bytes_moved, after: what the model says.
        stall_seed: the memory refuses at random, and takes writes in one of the orders that AXI4 allows; clocks are
            then not compared. reset_at: a reset in mid-run.
        before: a case that is run before, with no reset between the two.
    """

    program: Program
    cycles: int
    done: bool
    error: int
    stored: tuple[int, ...]
    bytes_moved: tuple[int, int]
    after: Bytes
    stall_seed: int | None = None
    reset_at: int | None = None
    before: Case | None = None

    @property
    def name(self) -> str:
        """For reports."""
        marks = [self.program.name, "" if self.stall_seed is None else "stalled"]
        marks += ["" if self.reset_at is None else f"reset at {self.reset_at}"]
        marks += ["" if self.before is None else f"after {self.before.name}"]
        return ", ".join(mark for mark in marks if mark)

    @property
    def exact(self) -> bool:
        """Whether clocks are compared."""
        return self.stall_seed is None

    def run(self, rtl: VerilatedMachine, mutant: int, *, counted: bool = True) -> MachineRun:
        """Run it on the RTL, in the clock after the one before has ended; `counted`: counters are read."""
        if self.before is not None:
            self.before.run(rtl, mutant, counted=False)
        longest = self.program.clocks or (self.cycles if self.exact else self.cycles * STALLED) + MARGIN
        seed = self.stall_seed or 0
        stall = 0 if self.exact else STALL_PERCENTS[seed % len(STALL_PERCENTS)]
        return rtl.run(
            self.program.memory,
            self.program.address,
            self.program.count,
            max_clocks=longest,
            mutant=mutant,
            stall_percent=stall,
            seed=seed,
            order=WriteOrder(0 if self.exact else seed % len(WriteOrder)),
            reset_at=self.reset_at,
            page=self.program.page,
            first=self.program.first,
            abort_at=self.program.abort_at,
            keep=self.before is not None,
            counted=counted,
        )

    def holds(self, run: MachineRun) -> bool:
        """Whether a run is as it must be."""
        causes = sum(run.counters[c] for c in Counter if 0 < c < Counter.READ_BEATS)
        # of a run that goes on, each counter is read some clocks after the one before
        counted = self.program.clocks is not None or run.counters[Counter.CYCLES] == causes
        same = (run.done, run.error, run.violations) == (self.done, self.error, 0) and counted
        same = same and np.array_equal(run.memory, self.after)
        if not self.exact:
            return same and len(run.stored) == len(self.stored)
        moved = (run.bytes_read, run.bytes_written)
        return same and (run.cycles, run.stored, moved) == (self.cycles, self.stored, self.bytes_moved)


def case_of(machine: Machine, program: Program) -> Case:
    """A program and what the cycle model says of it.

    Raises:
        ValueError: it does not end on the model and does not say how long it is to be watched.
    """
    longest = program.clocks or MAX_CLOCKS
    model = run_machine(
        machine,
        program.memory,
        program.address,
        program.count,
        max_clocks=longest,
        page=program.page,
        first=program.first,
        abort_at=program.abort_at,
    )
    if program.clocks is None and model.cycles >= MAX_CLOCKS - 1:
        raise ValueError(f"{program.name}: the model does not end")
    return Case(
        program=program,
        cycles=model.cycles,
        done=model.done,
        error=model.error,
        stored=model.stored,
        bytes_moved=(model.bytes_read, model.bytes_written),
        after=model.memory,
    )


def cases(machine: Machine) -> list[Case]:
    """All cases: sound programs, contradictory ones, an unwilling memory, resets, and starts after an error.

    The last one is sound and writes to all of the memories on the chip.
    """
    sound = [case_of(machine, program) for program in _random(machine)]
    broken = [case_of(machine, program) for program in contradictory_cases(machine)]
    of_parts = (output_cases, engine_cases, limit_cases, address_cases, memory_cases)
    sound += [case_of(machine, program) for of_part in of_parts for program in of_part(machine)]
    of_errors = (error_cases, tile_cases, stale_cases, word_cases)
    broken += [case_of(machine, program) for of_error in of_errors for program in of_error(machine)]
    ended = [case for case in sound if case.done]
    others = [case for case in ended[RANDOM_PROGRAMS:] if not case.program.timed]
    unwilling = [*ended[:AGAIN_STALLED], *others[::OTHERS_STALLED]]
    again = [replace(case, stall_seed=seed) for seed, case in enumerate(unwilling)]
    for seed, case in enumerate(ended[AGAIN_STALLED : AGAIN_STALLED + AGAIN_RESET]):
        again.append(replace(case, reset_at=int(np.random.default_rng(seed).integers(2, case.cycles))))
    errors = sorted((case for case in broken if case.error), key=lambda case: -case.cycles)[:AGAIN_AFTER]
    left = [case_of(machine, abandoned(machine, after)) for after in range(6)]
    full = waiting_tiles(machine)
    aborted = [(full, at) for at in (400, 700, 1000)]
    steady = decoding(machine)
    halfway = case_of(machine, steady).cycles * 2 // 3
    aborted += [(steady, halfway + at) for at in range(0, 96, 16)]
    aborted += [(case.program, case.cycles * 3 // 5) for case in others[1::OTHERS_ABORTED]]
    left += [case_of(machine, replace(each, name=f"{each.name}, aborted at {at}", abort_at=at)) for each, at in aborted]
    short = sorted(ended[:RANDOM_PROGRAMS], key=lambda case: case.cycles)[:4]
    for first, second in zip((*errors, *left), itertools.cycle((*short, sound[-2]))):
        again.append(replace(second, before=first))
    return [*sound[:RANDOM_PROGRAMS], *broken, *again, *sound[RANDOM_PROGRAMS:]]


def _random(machine: Machine) -> Iterator[Program]:
    for seed in range(RANDOM_PROGRAMS):
        rng = np.random.default_rng(seed)
        program = MachineProgram.random(machine, rng, units=int(rng.integers(1, 6)))
        count, page = len(program.instructions), int(rng.integers(1 << machine.page_bits)) if seed % 2 else 0
        yield Program(name=f"random program {seed}", memory=program.memory, count=count, page=page)
