"""The RTL of the whole machine behind memories that take a write's address and data in every order that AXI4 allows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_hw.simulation.machine_driver import VerilatedMachine, WriteOrder
from skipbeat_hw.tools.verilog import machine_verilog
from skipbeat_sim.machine.run_machine import run_machine
from tests.sim.machine.machine_programs import MachineProgram

#: A beat is a vector; a vector is four beats, in bursts of two; reads and writes are served apart, a beat is a burst.
DESIGNS: dict[str, Sequence[str]] = {
    "tiny": ("accumulators.depth=128",),  # other tests compile it too
    "narrow": (
        *("array.rows=4", "array.cols=16", "activations.buffer_kib=64", "outputs.buffer_kib=4"),
        *("memory.bytes_per_clock=4", "memory.burst_beats=2", "memory.outstanding=2"),
    ),
    "duplex": ("memory.bytes_per_clock=8", "memory.burst_beats=1"),
}
MAX_CLOCKS = 60_000
#: How often a channel refuses, in percent, and how much longer a run may take then, generously.
STALLS = (0, 40, 85)
STALLED = 40
SEEDS = range(3)


@pytest.fixture(
    scope="module", params=["tiny", *(pytest.param(name, marks=pytest.mark.slow) for name in ("narrow", "duplex"))]
)
def rtl(request: pytest.FixtureRequest) -> VerilatedMachine:
    """A design, compiled."""
    machine = Machine.of(load_hardware("tiny-4x4", DESIGNS[request.param]))
    return VerilatedMachine(machine_verilog(machine), machine)


@pytest.mark.parametrize("order", WriteOrder, ids=lambda order: order.name.lower())
def test_programs_end_whatever_the_memory_waits_for(rtl: VerilatedMachine, order: WriteOrder) -> None:
    """The memory afterwards is right, no rule of the bus is broken, and in the measured one clocks are the model's."""
    for seed in SEEDS:
        program = MachineProgram.random(rtl.machine, np.random.default_rng([3, seed]), units=3)
        count = len(program.instructions)
        model = run_machine(rtl.machine, program.memory, 0, count, max_clocks=MAX_CLOCKS)
        assert model.done
        assert model.bytes_written > 0
        for stall in STALLS:
            longest = model.cycles * STALLED
            run = rtl.run(program.memory, 0, count, max_clocks=longest, stall_percent=stall, seed=seed, order=order)
            label = f"seed {seed}, {stall} % of the clocks refused, {run.cycles} of {longest} clocks"
            assert (run.done, run.error, run.violations) == (True, 0, 0), label
            np.testing.assert_array_equal(run.memory, program.after, err_msg=label)
            if order == WriteOrder.ADDRESS_THEN_DATA and not stall:
                assert run.cycles == model.cycles, label
