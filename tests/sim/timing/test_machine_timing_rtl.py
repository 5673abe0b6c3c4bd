"""The timing model of the machine against the RTL: cycles and every counter that tells where they went."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from skipbeat_arch.arrays import Bytes
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import MachineError
from skipbeat_arch.registers import Cause, Counter
from skipbeat_hw.simulation.machine_driver import VerilatedMachine
from skipbeat_hw.tools.verilog import machine_verilog
from skipbeat_mapper.compile import compile_network
from skipbeat_sim.timing.machine_timing import MachineTiming, machine_timing
from skipbeat_sim.timing.stored_tiles import stored_tiles
from tests.mapper.networks import random_graph
from tests.sim.timing.timing_programs import TimingProgram

SLOW_MEMORY = ["memory.latency_clocks=3", "memory.outstanding=2", "memory.burst_beats=4", "outputs.lanes=1"]
#: A port as wide as a vector, a narrow one, one that a wide memory serves apart for reads and writes, a narrow one so.
BUILDS: list[tuple[str, Sequence[str]]] = [
    ("tiny-4x4", ["memory.bytes_per_clock=4", *SLOW_MEMORY]),
    ("tiny-4x4", ["memory.bytes_per_clock=1", *SLOW_MEMORY]),
    ("edge-8x8", []),
    ("edge-8x8", ["memory.bytes_per_clock=16"]),
    ("tiny-4x4", ["memory.bytes_per_clock=16", "memory.port_bytes=2"]),
    ("dense-8x8", []),
    ("edge-8x8", ["outputs.turn=true"]),
    ("tiny-4x4", ["memory.bytes_per_clock=1", "outputs.turn=true", *SLOW_MEMORY]),
    ("tiny-4x4", ["array.cols=32", "array.group=8", "outputs.lanes=8", "memory.bytes_per_clock=16"]),
]


def check(built: VerilatedMachine, timing: MachineTiming, memory: Bytes, address: int, count: int) -> None:
    run = built.run(memory, address, count, max_clocks=2 * timing.cycles + 100)
    assert run.done
    assert run.cycles == timing.cycles
    assert (run.bytes_read, run.bytes_written) == (timing.bytes_read, timing.bytes_written)
    assert run.stored == timing.stored
    # the counters run while the machine is busy, from the clock after the start pulse on
    expected = timing.clocks | {Cause.IDLE: timing.clocks[Cause.IDLE] - 1}
    assert {cause: run.counters[Counter[cause.name]] for cause in Cause} == expected


def check_pressed(built: VerilatedMachine, program: TimingProgram) -> None:
    """A random program, in which local vectors may meet those of LOADs."""
    count, address = len(program.instructions), program.address
    try:
        timing = machine_timing(program.machine, program.instructions, program.tiles, address=address)
    except InputError as refused:
        error = str(refused)
    else:
        check(built, timing, program.memory, address, count)
        return
    assert "the activation banks are written by" in error
    assert built.run(program.memory, address, count, max_clocks=200_000).error == MachineError.BANK_CONFLICT


@pytest.mark.slow
@pytest.mark.parametrize(("preset", "overrides"), BUILDS)
def test_the_rtl_takes_these_clocks(preset: str, overrides: Sequence[str]) -> None:
    machine = Machine.of(load_hardware(preset, overrides))
    built = VerilatedMachine(machine_verilog(machine), machine)
    for seed in range(100):
        rng = np.random.default_rng(seed)
        made = TimingProgram.random(machine, rng, int(rng.integers(1, 25)))
        check_pressed(built, made)
    for seed in range(10):
        program = compile_network(random_graph(np.random.default_rng(seed)), machine.hw)
        instructions = program.instructions
        tiles = stored_tiles(machine, program.image, instructions)
        timing = machine_timing(machine, instructions, tiles, address=program.address)
        check(built, timing, program.memory(), program.address, program.count)
