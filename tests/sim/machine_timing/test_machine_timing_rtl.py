"""The timing model of the machine against the RTL: cycles and every counter that tells where they went."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.registers import Cause, Counter
from skipbeat_hw.simulation.machine_driver import VerilatedMachine
from skipbeat_hw.verilog import machine_verilog
from skipbeat_mapper.machine.compile import compile_network
from skipbeat_sim.machine_timing.model import MachineTiming, machine_timing
from skipbeat_sim.machine_timing.stored_tiles import stored_tiles
from tests.mapper.machine.networks import random_graph
from tests.sim.machine_timing.timing_programs import TimingProgram

BUILDS: list[tuple[str, Sequence[str]]] = [
    ("tiny-4x4", ["memory.latency_clocks=3", "memory.outstanding=2", "memory.burst_beats=4", "outputs.lanes=1"]),
    ("edge-8x8", []),
]


def check(
    built: VerilatedMachine, timing: MachineTiming, memory: npt.NDArray[np.uint8], address: int, count: int
) -> None:
    run = built.run(memory, address, count, max_clocks=2 * timing.cycles + 100)
    assert run.done
    assert run.cycles == timing.cycles
    assert (run.bytes_read, run.bytes_written) == (timing.bytes_read, timing.bytes_written)
    # the counters run while the machine is busy, from the clock after the start pulse on
    expected = timing.clocks | {Cause.IDLE: timing.clocks[Cause.IDLE] - 1}
    assert {cause: run.counters[Counter[cause.name]] for cause in Cause} == expected


@pytest.mark.slow
@pytest.mark.parametrize(("preset", "overrides"), BUILDS)
def test_the_rtl_takes_these_clocks(preset: str, overrides: Sequence[str]) -> None:
    machine = Machine.of(load_hardware(preset, overrides))
    built = VerilatedMachine(machine_verilog(machine), machine)
    for seed in range(100):
        rng = np.random.default_rng(seed)
        made = TimingProgram.random(machine, rng, int(rng.integers(1, 25)))
        timing = machine_timing(machine, made.instructions, made.tiles)
        check(built, timing, made.memory, 0, len(made.instructions))
    for seed in range(10):
        program = compile_network(random_graph(np.random.default_rng(seed)), machine.hw)
        instructions = program.instructions
        tiles = stored_tiles(machine, program.image, instructions)
        timing = machine_timing(machine, instructions, tiles, address=program.address)
        check(built, timing, program.memory(), program.address, program.count)
