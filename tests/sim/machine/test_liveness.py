"""Whatever program is loaded, a run ends: in its END, or in an error, within the bound of docs/machine.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from skipbeat_arch import instruction as isa
from skipbeat_arch.command import Command
from skipbeat_arch.depths import patience
from skipbeat_arch.engines import Engine, Opcode
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.instruction import Instruction
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import MachineError
from skipbeat_hw.simulation.machine_driver import VerilatedMachine
from skipbeat_hw.tools.verilog import machine_verilog
from skipbeat_sim.machine.machine import MachineTop
from skipbeat_sim.machine.memory import ExternalMemory
from skipbeat_sim.machine.run_machine import run_machine
from skipbeat_sim.timing.machine_timing import machine_timing
from tests.sim.machine.hand_programs import convolution, image, instructions_of
from tests.sim.machine.machine_loads import L, S, X
from tests.sim.machine.machine_programs import MachineProgram, random_hardware
from tests.sim.machine.wild_programs import most_clocks, wild_program, with_field

#: A machine that other tests compile too.
TINY = Machine.of(load_hardware("tiny-4x4", ["accumulators.depth=128"]))
HEADER = isa.Header(version=isa.VERSION, fingerprint=TINY.fingerprint)
END = isa.End()
STORE = isa.Store(address=0x4000, count=1, pool=1, memory=True)
MAX_CLOCKS = 100_000


def null(pixels: int) -> Instruction:
    return isa.Pass(command=Command(pixels=pixels, beat=0, rows=0, cols=0, load=False))


def run(*program: Instruction) -> tuple[bool, int, int]:
    result = run_machine(TINY, image(program), 0, len(program), max_clocks=MAX_CLOCKS)
    return result.done, result.error, result.cycles


@pytest.mark.parametrize("engine", Engine)
def test_a_token_that_never_comes(engine: Engine) -> None:
    """In each queue, from each engine: the run ends N clocks after the last thing that moved."""
    for giver in engine.others:
        waits = {
            L: isa.Zero(count=1, wait=(giver,)),
            X: isa.Setup(n0=1, n1=1, n2=1, n3=1, wait=(giver,)),
            S: isa.End(wait=(giver,)),
        }[engine]
        program = [HEADER, waits, isa.End(wait=(engine,))] if engine != S else [HEADER, waits]
        done, error, cycles = run(*program)
        assert (done, error) == (False, MachineError.DEADLOCK)
        assert patience(TINY.hw) < cycles < patience(TINY.hw) + 100
        with pytest.raises(InputError, match="it never ends"):
            machine_timing(TINY, program, [])


@pytest.mark.parametrize(
    "body",
    [
        [STORE],
        [null(2), replace(STORE, count=3)],
        # a queue that is full of what waits for an instruction behind it
        [*[isa.Zero(count=1, wait=(X,))] * 9, isa.Setup(n0=1, n1=1, n2=1, n3=1, signal=(L,)), isa.End(wait=(L,))],
    ],
)
def test_work_that_never_comes(body: Sequence[Instruction]) -> None:
    program = [HEADER, *body] if isinstance(body[-1], isa.End) else [HEADER, *body, END]
    assert run(*program)[:2] == (False, MachineError.DEADLOCK)


@pytest.mark.parametrize(
    ("opcode", "field", "value", "error"),
    [
        (Opcode.SETUP, "n2", 4, MachineError.DEADLOCK),
        (Opcode.PASS, "words", 0, MachineError.DEADLOCK),
        (Opcode.STORE, "pool", 0, MachineError.DEADLOCK),
        # more than there is room for: the END does not wait for it
        (Opcode.SETUP, "n3", 0, MachineError.NONE),
        (Opcode.LOAD, "count", 0, MachineError.EMPTY_INSTRUCTION),
        (Opcode.STORE, "count", 0, MachineError.EMPTY_INSTRUCTION),
    ],
)
def test_a_field_that_contradicts_the_rest(opcode: Opcode, field: str, value: int, error: MachineError) -> None:
    layer = convolution(TINY)
    words = layer.memory[: 16 * layer.count].view("<u8").reshape(-1, 2)
    for place, instruction in enumerate(instructions_of(layer.memory, layer.count)):
        if instruction.opcode == opcode:
            word = with_field(instruction.to_word(), field, value)
            words[place] = word & (1 << 64) - 1, word >> 64
    result = run_machine(TINY, layer.memory, 0, layer.count, max_clocks=MAX_CLOCKS)
    assert (result.done, result.error) == (error == MachineError.NONE, error)


def test_zeros_of_nothing() -> None:
    memory = image([HEADER, isa.Zero(count=1), END])
    word = with_field(isa.Zero(count=1).to_word(), "count", 0)
    memory[16:32] = np.frombuffer(word.to_bytes(16, "little"), np.uint8)
    result = run_machine(TINY, memory, 0, 3, max_clocks=MAX_CLOCKS)
    assert (result.done, result.error) == (False, MachineError.EMPTY_INSTRUCTION)


def check_wild(machine: Machine, seeds: Sequence[int], rtl: bool) -> set[int]:
    """Programs with anything wrong end within the bound, on the RTL in the same way; returns their errors."""
    text, errors = machine_verilog(machine) if rtl else "", set[int]()
    for seed in seeds:
        memory, count = wild_program(machine, np.random.default_rng([9, seed]))
        bound = most_clocks(machine, memory, count)
        try:
            model = run_machine(machine, memory, 0, count, max_clocks=MAX_CLOCKS)
        except InputError:
            # It reads what is written in the same clock: what that brings is open, but not that the run ends.
            run = rtl and VerilatedMachine(text, machine).run(memory, 0, count, max_clocks=MAX_CLOCKS)
            assert not run or (run.cycles < bound and (run.done or run.error) and not run.violations), f"seed {seed}"
            continue
        assert model.cycles < min(bound, MAX_CLOCKS - 1), f"seed {seed}"
        assert model.done or model.error, f"seed {seed}"
        errors.add(model.error)
        if rtl:
            # A new machine each time: programs read what they have not written, and memories keep their contents.
            run = VerilatedMachine(text, machine).run(memory, 0, count, max_clocks=MAX_CLOCKS)
            seen = run.cycles, run.done, run.error, run.bytes_read, run.bytes_written, run.violations
            assert seen == (model.cycles, model.done, model.error, model.bytes_read, model.bytes_written, 0), seed
            np.testing.assert_array_equal(run.memory, model.memory, err_msg=f"seed {seed}")
    return errors


def test_wild_programs_end() -> None:
    assert {0, MachineError.DEADLOCK} <= check_wild(TINY, (1, 6, 10, 14), rtl=False)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_wild_programs_end_alike_on_the_rtl() -> None:
    errors = check_wild(TINY, range(160), rtl=True)
    assert {0, MachineError.DEADLOCK, MachineError.EMPTY_INSTRUCTION, MachineError.READ_FAILED} <= errors


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", range(3))
def test_wild_programs_end_on_any_machine(seed: int) -> None:
    check_wild(Machine.of(random_hardware(np.random.default_rng([8, seed]))), range(25), rtl=True)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_wild_programs_that_turn_end_alike_on_the_rtl() -> None:
    machine = Machine.of(load_hardware("tiny-4x4", ["accumulators.depth=128", "outputs.turn=true"]))
    assert {0, MachineError.DEADLOCK} <= check_wild(machine, range(60), rtl=True)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_sound_program_never_stands_still_for_a_quarter_of_the_patience() -> None:
    for seed in range(25):
        rng = np.random.default_rng([77, seed])
        machine = Machine.of(random_hardware(rng))
        assert longest_stand(machine, MachineProgram.random(machine, rng, units=3)) < patience(machine.hw) / 4


def longest_stand(machine: Machine, program: MachineProgram) -> int:
    """The most clocks in a row in which nothing moved, in a run that ends well."""
    top, external, clock = MachineTop(machine), ExternalMemory(machine, program.memory.copy()), 0
    while clock < MAX_CLOCKS and (clock == 0 or top.busy_o):
        external.evaluate()
        count = len(program.instructions)
        top.evaluate(clock == 0, 0, count, r=external.r, w_ready=external.w_ready, b=external.b)
        external.update(top.ar, top.aw, top.w)
        top.update()
        clock += 1
    assert (top.done_o, top.error_o) == (True, 0)
    return top.watchdog.longest


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("bits", [33, 64])
def test_longer_addresses(bits: int) -> None:
    """Pages around the end of each 4 GiB, where the sum carries within a program and within a request."""
    machine = Machine.of(load_hardware("tiny-4x4", ["accumulators.depth=128", f"memory.address_bits={bits}"]))
    rtl = VerilatedMachine(machine_verilog(machine), machine)
    program = MachineProgram.random(machine, np.random.default_rng(6), units=3)
    count = len(program.instructions)
    for page in [*((1 << 20) - n for n in range(1, 6)), 1 << 20, (1 << (bits - 12)) - 5, 0xABCDE]:
        run = rtl.run(program.memory, 0, count, max_clocks=MAX_CLOCKS, page=page)
        model = run_machine(machine, program.memory, 0, count, max_clocks=MAX_CLOCKS, page=page)
        assert (run.cycles, run.done, run.violations) == (model.cycles, True, 0), hex(page)
        np.testing.assert_array_equal(run.memory, program.after)
        np.testing.assert_array_equal(model.memory, program.after)
