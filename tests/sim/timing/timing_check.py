"""Holds the timing model of the machine against its cycle model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skipbeat_arch.arrays import Bytes
from skipbeat_arch.engines import Engine
from skipbeat_arch.instruction import Instruction
from skipbeat_arch.machine import Machine
from skipbeat_arch.registers import Cause
from skipbeat_arch.tile import TileStatistics
from skipbeat_sim.machine.run_machine import run_machine
from skipbeat_sim.timing.machine_timing import MachineTiming, machine_timing


def check(
    machine: Machine,
    memory: Bytes,
    instructions: Sequence[Instruction],
    tiles: Sequence[TileStatistics],
    what: str = "",
    address: int = 0,
) -> MachineTiming:
    """Everything that both tell is the same."""
    timing = machine_timing(machine, instructions, tiles, address=address)
    run = run_machine(machine, memory, address, len(instructions), max_clocks=timing.cycles + 1000)
    assert run.done, what
    assert timing.cycles == run.cycles, what
    assert (timing.bytes_read, timing.bytes_written) == (run.bytes_read, run.bytes_written), what
    assert timing.events == run.events, what
    assert timing.stored == run.stored, what
    for engine in Engine:
        numbers = [n for n, i in enumerate(instructions) if n and i.engine == engine]
        spans = [(span.began, span.finished) for span in run.spans[engine]]
        assert [(timing.begin[n], timing.finish[n]) for n in numbers] == spans, what
    assert timing.clocks == {cause: getattr(run.clocks, cause.name.lower()) for cause in Cause}, what
    assert sum(timing.clocks.values()) == timing.cycles, what
    return timing


def same(one: MachineTiming, other: MachineTiming) -> bool:
    """Every clock, byte and event, and what the array did until any clock."""
    until = np.linspace(0, one.cycles - 1, 50).astype(int).tolist()
    return (
        (one.cycles, one.begin, one.finish, one.stored) == (other.cycles, other.begin, other.finish, other.stored)
        and (one.bytes_read, one.bytes_written, one.events) == (other.bytes_read, other.bytes_written, other.events)
        and [one.causes.until(clock) for clock in until] == [other.causes.until(clock) for clock in until]
    )
