"""What the array did up to any clock, against the cycle model stopped there."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.registers import Cause
from skipbeat_mapper.compile import compile_network
from skipbeat_sim.machine.run_machine import run_machine
from skipbeat_sim.timing.machine_timing import machine_timing
from skipbeat_sim.timing.stored_tiles import stored_tiles
from tests.mapper.networks import random_graph


@pytest.mark.parametrize(("preset", "seed"), [("tiny-4x4", 3), ("edge-8x8", 0), ("edge-8x8", 3)])
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
