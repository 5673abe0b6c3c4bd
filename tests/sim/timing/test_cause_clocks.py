"""What the array did up to any clock, against the cycle model stopped there."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.registers import Cause
from skipbeat_mapper.compile import compile_network
from skipbeat_sim.machine.run_machine import run_machine
from skipbeat_sim.timing.cause_clocks import CauseClocks, PassClocks
from skipbeat_sim.timing.machine_timing import machine_timing
from skipbeat_sim.timing.stored_tiles import stored_tiles
from tests.mapper.networks import random_graph


@pytest.mark.parametrize(("preset", "seed"), [("tiny-4x4", 3), ("edge-8x8", 0), ("edge-8x8", 1), ("edge-8x8", 3)])
def test_every_clock_is_told(preset: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    machine = Machine.of(load_hardware(preset))
    program = compile_network(random_graph(rng), machine.hw)
    instructions = program.instructions
    timing = machine_timing(machine, instructions, stored_tiles(machine, program.image, instructions))
    for clocks in rng.integers(2, timing.cycles, 5).tolist():
        run = run_machine(machine, program.memory(), program.address, program.count, max_clocks=clocks)
        counted = {cause: getattr(run.clocks, cause.name.lower()) for cause in Cause}
        assert timing.causes.until(clocks - 1) == counted, f"clock {clocks} of {timing.cycles}"
    assert timing.causes.until(timing.cycles - 1) == timing.clocks


def test_steps_of_a_pass_that_waits_are_where_its_items_close() -> None:
    """Three passes of two steps for each pixel; the first has no items, and the second waits for the output stage."""
    rows = [
        PassClocks(*(np.array([each]) for each in row))
        for row in ((2, 5, 1, 7, 12, 2, 3, -1), (9, 12, 0, 14, 27, 2, 4, 0), (30, 31, 1, 33, 36, 2, 2, 4))
    ]
    closed = np.array([15, 20, 23, 27, 34, 36], np.int64)
    steps = {*range(7, 13), *(close - each for close in closed for each in (0, 1))}
    causes = CauseClocks(np.concatenate([np.stack(row, axis=1) for row in rows]), closed)
    for clock in range(40):
        found = causes.until(clock)
        assert found[Cause.COMPUTE] == sum(step <= clock for step in steps), clock
        waited = sum(each <= clock for each in range(14, 28) if each not in steps)
        assert (found[Cause.OUTPUT_WAIT], sum(found.values())) == (waited, clock + 1), clock
