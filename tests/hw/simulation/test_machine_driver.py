"""The driver of a compiled machine: its memory is its own, and stalls, resets and limits do what they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from skipbeat_arch import instruction as isa
from skipbeat_arch.engines import Engine
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.instruction import Instruction
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import MachineError
from skipbeat_arch.registers import Counter
from skipbeat_hw.simulation.machine_driver import MachineRun, VerilatedMachine
from skipbeat_hw.tools.verilog import machine_verilog
from skipbeat_sim.machine.run_machine import run_machine
from tests.sim.machine.hand_programs import image
from tests.sim.machine.machine_programs import MachineProgram

MOST = 50_000


@pytest.fixture(scope="module")
def rtl() -> VerilatedMachine:
    """A machine that other tests compile too."""
    machine = Machine.of(load_hardware("tiny-4x4", ["accumulators.depth=128"]))
    return VerilatedMachine(machine_verilog(machine), machine)


@pytest.fixture(scope="module")
def program(rtl: VerilatedMachine) -> MachineProgram:
    return MachineProgram.random(rtl.machine, np.random.default_rng(7), 3)


@pytest.fixture(scope="module")
def plain(rtl: VerilatedMachine, program: MachineProgram) -> MachineRun:
    return rtl.run(program.memory, 0, len(program.instructions), max_clocks=MOST)


def test_a_run_leaves_what_arithmetic_gives(rtl: VerilatedMachine, program: MachineProgram, plain: MachineRun) -> None:
    before = program.memory.copy()
    again = rtl.run(program.memory, 0, len(program.instructions), max_clocks=MOST)
    np.testing.assert_array_equal(program.memory, before)
    assert (plain.done, plain.error, plain.violations) == (True, 0, 0)
    np.testing.assert_array_equal(plain.memory, program.after)
    np.testing.assert_array_equal(again.memory, plain.memory)
    assert (again.cycles, again.counters, again.stored) == (plain.cycles, plain.counters, plain.stored)
    assert rtl.clocks_per_second > 0


def test_counts_agree_with_each_other(rtl: VerilatedMachine, program: MachineProgram, plain: MachineRun) -> None:
    assert plain.counters[Counter.CYCLES] == plain.cycles - 1
    assert plain.counters[Counter.READ_BEATS] * rtl.machine.beat_bytes == plain.bytes_read
    assert plain.bytes_read >= 16 * len(program.instructions)
    changed = np.count_nonzero(program.after != program.memory)
    assert plain.bytes_written >= changed > 0
    assert list(plain.stored) == sorted(plain.stored)
    assert plain.stored[-1] < plain.cycles


def test_a_memory_that_refuses_takes_longer(rtl: VerilatedMachine, program: MachineProgram, plain: MachineRun) -> None:
    runs = [
        rtl.run(program.memory, 0, len(program.instructions), max_clocks=MOST, stall_percent=50, seed=seed)
        for seed in (1, 1, 2)
    ]
    for run in runs:
        np.testing.assert_array_equal(run.memory, program.after)
        assert run.cycles > plain.cycles
        assert run.bytes_read == plain.bytes_read
    assert runs[0].cycles == runs[1].cycles != runs[2].cycles


@pytest.mark.parametrize("clock", [0, 1, 57])
def test_a_reset_begins_anew(rtl: VerilatedMachine, program: MachineProgram, plain: MachineRun, clock: int) -> None:
    run = rtl.run(program.memory, 0, len(program.instructions), max_clocks=MOST, reset_at=clock)
    np.testing.assert_array_equal(run.memory, program.after)
    assert (run.done, run.error) == (True, 0)
    assert run.counters[Counter.CYCLES] == plain.counters[Counter.CYCLES]


def test_without_a_reset_a_second_run_is_the_same(
    rtl: VerilatedMachine, program: MachineProgram, plain: MachineRun
) -> None:
    run = rtl.run(program.memory, 0, len(program.instructions), max_clocks=MOST, keep=True)
    np.testing.assert_array_equal(run.memory, plain.memory)
    assert run.cycles == plain.cycles


@pytest.mark.parametrize("page", [0x12345, (1 << 20) - 5])
def test_a_program_runs_from_any_page(
    rtl: VerilatedMachine, program: MachineProgram, plain: MachineRun, page: int
) -> None:
    """Beyond the end of the addresses the memory begins at 0 again."""
    count = len(program.instructions)
    run = rtl.run(program.memory, 0, count, max_clocks=MOST, page=page)
    model = run_machine(rtl.machine, program.memory, 0, count, max_clocks=MOST, page=page)
    for each in (run, model):
        assert (each.cycles, each.done) == (plain.cycles, True)
        np.testing.assert_array_equal(each.memory, program.after)
    assert run.violations == 0


@pytest.mark.parametrize("share", [0.02, 0.4, 0.9])
def test_an_abort_ends_a_run_cleanly(
    rtl: VerilatedMachine, program: MachineProgram, plain: MachineRun, share: float
) -> None:
    """What is under way on the bus is completed, in the model's clocks; the next start runs as after a reset."""
    count, clock = len(program.instructions), int(share * plain.cycles)
    run = rtl.run(program.memory, 0, count, max_clocks=MOST, abort_at=clock)
    model = run_machine(rtl.machine, program.memory, 0, count, max_clocks=MOST, abort_at=clock)
    assert (run.done, run.error, run.violations) == (False, MachineError.ABORTED, 0)
    assert (run.cycles, run.bytes_read, run.bytes_written) == (model.cycles, model.bytes_read, model.bytes_written)
    np.testing.assert_array_equal(run.memory, model.memory)
    again = rtl.run(program.memory, 0, count, max_clocks=MOST, keep=True)
    assert (again.cycles, again.done, again.error) == (plain.cycles, True, 0)


def test_a_program_that_waits_for_ever_ends(rtl: VerilatedMachine) -> None:
    header = isa.Header(version=isa.VERSION, fingerprint=rtl.machine.fingerprint)
    memory = image([header, isa.End(wait=(Engine.LOAD,))])
    run = rtl.run(memory, 0, 2, max_clocks=MOST)
    assert (run.done, run.error) == (False, MachineError.DEADLOCK)
    assert run.cycles == run_machine(rtl.machine, memory, 0, 2, max_clocks=MOST).cycles


def test_a_run_that_is_cut_off_is_not_done(rtl: VerilatedMachine, program: MachineProgram) -> None:
    run = rtl.run(program.memory, 0, len(program.instructions), max_clocks=30)
    assert not run.done
    assert run.cycles == 29


@pytest.mark.parametrize("share", [-1, 100])
def test_a_share_of_all_clocks_is_refused(rtl: VerilatedMachine, program: MachineProgram, share: int) -> None:
    with pytest.raises(InputError, match=rf"stall_percent: expected 0\.\.99, not {share}"):
        rtl.run(program.memory, 0, 1, max_clocks=10, stall_percent=share)


def test_a_memory_lies_anywhere_in_a_program_s_addresses(
    rtl: VerilatedMachine, program: MachineProgram, plain: MachineRun
) -> None:
    """The same instructions of addresses that all lie so much higher, and so does the memory."""
    first, page = 0xA5C3_0000, 0x12345
    count, code = len(program.instructions), image([_moved(each, first) for each in program.instructions])
    memory, after = program.memory.copy(), program.after.copy()
    for content in (memory, after):
        content[: 16 * count] = code[: 16 * count]
    run = rtl.run(memory, first, count, max_clocks=MOST, page=page, first=first)
    model = run_machine(rtl.machine, memory, first, count, max_clocks=MOST, page=page, first=first)
    for each in (run, model):
        assert (each.cycles, each.done) == (plain.cycles, True)
        np.testing.assert_array_equal(each.memory, after)


def _moved(instruction: Instruction, by: int) -> Instruction:
    if isinstance(instruction, isa.Load):
        return replace(instruction, source=instruction.source + by)
    return replace(instruction, address=instruction.address + by) if isinstance(instruction, isa.Store) else instruction


def test_a_run_begins_as_soon_as_the_one_before_has_ended(
    rtl: VerilatedMachine, program: MachineProgram, plain: MachineRun
) -> None:
    """What is not in the counters' totals yet is forgotten."""
    count = len(program.instructions)
    for clock in range(100, plain.cycles, 50):
        rtl.run(program.memory, 0, count, max_clocks=MOST, abort_at=clock, counted=False)
        run = rtl.run(program.memory, 0, count, max_clocks=MOST, keep=True)
        assert (run.cycles, run.counters) == (plain.cycles, plain.counters)
