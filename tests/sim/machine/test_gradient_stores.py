"""STOREs that round stochastically, or note, in whole programs: bytes, PEAK and CLIPS, and that no clock moves."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from skipbeat_arch import instruction as isa
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_hw.machine.machine import MachineTop
from skipbeat_hw.simulation.lockstep import describe_mismatch, run_lockstep
from skipbeat_hw.simulation.ports import read_ports
from skipbeat_hw.tools.verilog import generate
from skipbeat_sim.machine.run_machine import run_machine
from tests.hw.ported import Ported
from tests.sim.machine.hand_programs import image
from tests.sim.machine.machine_programs import MachineProgram
from tests.sim.machine.test_machine_ports import drive

KEYS = ["accumulators.depth=128", "outputs.buffer_kib=4", "outputs.gradients=true"]
DESIGNS = {
    "four clocks for a vector": KEYS,
    "one clock for a vector": [*KEYS, "outputs.lanes=4"],
    "half a vector in a clock": [*KEYS, "array.cols=8", "array.rows=2", "array.group=8", "outputs.lanes=4"],
}
MAX_CLOCKS = 20_000


@cache
def built(design: str) -> Machine:
    return Machine.of(load_hardware("tiny-4x4", DESIGNS[design]))


@pytest.mark.parametrize("design", DESIGNS)
def test_random_programs_leave_what_the_definition_says(design: str) -> None:
    machine, largest, clips = built(design), 0, 0
    for seed in range(2):
        program = MachineProgram.random(machine, np.random.default_rng(seed), units=3)
        run = run_machine(machine, program.memory, 0, len(program.instructions), max_clocks=MAX_CLOCKS)
        assert (run.done, run.error) == (True, 0)
        np.testing.assert_array_equal(run.memory, program.after, err_msg=f"seed {seed}")
        assert (run.bits, run.clips) == (program.bits, program.clips), f"seed {seed}"
        largest, clips = max(largest, run.bits), clips + run.clips
    assert largest > 8
    assert clips


def test_rounding_moves_no_clock() -> None:
    machine = built("four clocks for a vector")
    program = MachineProgram.random(machine, np.random.default_rng(5), units=3)
    plain = [
        replace(each, stochastic=False, seed=0, noted=False) if isinstance(each, isa.Store) else each
        for each in program.instructions
    ]
    assert plain != program.instructions
    memory = program.memory.copy()
    code = image(plain, 16 * len(plain))
    memory[: len(code)] = code
    count = len(plain)
    rounded, usual = (run_machine(machine, each, 0, count, max_clocks=MAX_CLOCKS) for each in (program.memory, memory))
    assert (rounded.cycles, rounded.stored) == (usual.cycles, usual.stored)
    assert (usual.bits, usual.clips) == (0, 0)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("design", DESIGNS)
def test_the_rtl_shows_the_same_in_every_clock(design: str) -> None:
    """What was rounded, what is stored, and how the run goes."""
    machine = built(design)
    text = generate(MachineTop(machine), "machine")
    for seed in range(3):
        program = MachineProgram.random(machine, np.random.default_rng(seed), units=3)
        count = len(program.instructions)
        clocks = run_machine(machine, program.memory, 0, count, max_clocks=MAX_CLOCKS).cycles + 4
        model = Ported(MachineTop, {"machine": machine}, without=("counter_i", "count_o"))
        rows = drive(model, program.memory.copy(), count, clocks, machine=machine)
        ports = read_ports(text, "machine")
        inputs = {name: [row.get(name, 0) for row in rows] for name, port in ports.items() if port.is_input}
        del inputs["clk"]
        shown = ["bits_o", "clips_o", "busy_o", "done_o", "error_o", "stored_o", "write__wvalid"]
        got = run_lockstep(text, "machine", inputs, shown)
        want = {name: [row[name] for row in rows] for name in shown}
        assert describe_mismatch(want, got) is None, f"seed {seed}"
        assert want["bits_o"][-1] == program.bits
        assert want["clips_o"][-1] == program.clips
