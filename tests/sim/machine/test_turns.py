"""TURNs in whole programs: what they leave, on the RTL in every clock, and those that contradict themselves."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from skipbeat_arch import instruction as isa
from skipbeat_arch.engines import Engine, Kind
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.instruction import VERSION, Instruction
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import MachineError
from skipbeat_arch.training.turning import turn
from skipbeat_arch.turn_instruction import Turn
from skipbeat_hw.machine.machine import MachineTop
from skipbeat_hw.simulation.lockstep import describe_mismatch, run_lockstep
from skipbeat_hw.simulation.ports import read_ports
from skipbeat_hw.tools.verilog import generate
from skipbeat_sim.machine.run_machine import run_machine
from skipbeat_sim.timing.machine_timing import machine_timing
from tests.hw.ported import Ported
from tests.sim.machine.hand_programs import image
from tests.sim.machine.machine_programs import MachineProgram
from tests.sim.machine.test_machine_ports import drive
from tests.sim.timing.timing_check import check

KEYS = ["accumulators.depth=128", "outputs.buffer_kib=4", "outputs.turn=true"]
DESIGNS = {
    "alone": KEYS,
    "beside gradients": [*KEYS, "outputs.gradients=true"],
    "vectors of 16": [*KEYS, "array.cols=16", "array.rows=4", "memory.bytes_per_clock=16"],
    "half a vector in a clock": [*KEYS, "array.cols=8", "array.rows=2", "array.group=8", "memory.bytes_per_clock=4"],
}
MAX_CLOCKS = 20_000
SOURCE, TARGET = 0x1000, 0x2000


@cache
def built(design: str) -> Machine:
    return Machine.of(load_hardware("tiny-4x4", DESIGNS[design]))


def header(machine: Machine) -> Instruction:
    return isa.Header(version=VERSION, fingerprint=machine.fingerprint)


def turning(machine: Machine, **fields: int) -> list[Instruction]:
    """Two blocks come, are turned and written."""
    load = isa.Load(kind=Kind.RESIDUAL, count=2 * machine.vector, source=SOURCE, signal=(Engine.STORE,))
    size = machine.vector
    told: dict[str, Any] = {"address": TARGET, "step0": size, "n0": 2, "count": 2, "lanes": size} | fields
    return [header(machine), load, replace(Turn(wait=(Engine.LOAD,)), **told), isa.End()]


def words(program: list[Instruction], size: int = 1 << 14) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """A memory with a program, and any bytes to be turned."""
    memory = np.zeros(size, np.uint8)
    code = b"".join(_word(each).to_bytes(16, "little") for each in program)
    memory[: len(code)] = np.frombuffer(code, np.uint8)
    memory[SOURCE:TARGET] = np.random.default_rng(0).integers(0, 256, TARGET - SOURCE)
    return memory


def _word(each: Instruction) -> int:
    """What no assembler writes too."""
    fields = Turn.layout() if isinstance(each, Turn) else ()
    word, at = 0, 8
    for name, bits in fields:
        word |= getattr(each, name) << at
        at += bits
    common = int(each.opcode) | each.wait_bits << 4 | each.signal_bits << 6
    return word | common if fields else each.to_word()


@pytest.mark.parametrize("design", DESIGNS)
def test_random_programs_leave_what_the_definition_says(design: str) -> None:
    machine, turns = built(design), 0
    for seed in range(2):
        program = MachineProgram.random(machine, np.random.default_rng(seed), units=3)
        run = run_machine(machine, program.memory, 0, len(program.instructions), max_clocks=MAX_CLOCKS)
        assert (run.done, run.error) == (True, 0)
        np.testing.assert_array_equal(run.memory, program.after, err_msg=f"seed {seed}")
        turns += sum(isinstance(each, Turn) for each in program.instructions)
    assert turns > 2


def test_a_block_is_turned_as_the_definition_turns_it() -> None:
    machine = built("vectors of 16")
    program = turning(machine)
    memory, size = words(program), machine.vector
    check(machine, memory, program, [])
    run = run_machine(machine, memory, 0, len(program), max_clocks=MAX_CLOCKS)
    given = memory[SOURCE : SOURCE + 2 * size * size].reshape(-1, size)
    np.testing.assert_array_equal(run.memory[TARGET : TARGET + given.size].reshape(-1, size), turn(given, size))


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"count": 0}, MachineError.EMPTY_INSTRUCTION),
        ({"lanes": 0}, MachineError.DEADLOCK),
        ({"lane": 1}, MachineError.DEADLOCK),
        ({"lane": 15, "lanes": 127}, MachineError.DEADLOCK),
    ],
)
def test_what_contradicts_itself_ends_with_an_error(fields: dict[str, int], error: MachineError) -> None:
    """The timing model refuses it."""
    machine = built("vectors of 16")
    program = turning(machine, **fields)
    run = run_machine(machine, words(program), 0, len(program), max_clocks=MAX_CLOCKS)
    assert (run.done, run.error) == (False, error)
    with pytest.raises(InputError, match=r"TURN"):
        machine_timing(machine, program, [])


def test_other_hardware_does_not_know_it() -> None:
    machine = Machine.of(load_hardware("tiny-4x4"))
    program = turning(machine)
    run = run_machine(machine, words(program), 0, len(program), max_clocks=MAX_CLOCKS)
    assert (run.done, run.error) == (False, MachineError.BAD_OPCODE)
    with pytest.raises(InputError, match=r"needs hardware with outputs\.turn"):
        machine_timing(machine, program, [])


def test_a_long_turn_is_no_deadlock() -> None:
    """It takes longer than the watchdog waits, and nothing else moves."""
    machine = Machine.of(load_hardware("tiny-4x4", ["outputs.turn=true", "outputs.buffer_kib=64"]))
    program = [header(machine), Turn(address=TARGET, n0=1, count=2000, lane=3, lanes=1), isa.End()]
    assert check(machine, image(program), program, []).cycles > 4 * 2000


def test_one_column_has_nothing_to_turn() -> None:
    with pytest.raises(InputError, match="more than one column"):
        Machine.of(
            load_hardware(
                "tiny-4x4",
                ["array.cols=1", "array.group=1", "outputs.turn=true", "outputs.lanes=1", "weights.decode_lanes=1"],
            )
        )


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "design", [*list(DESIGNS)[:1], *(pytest.param(each, marks=pytest.mark.slow) for each in list(DESIGNS)[1:])]
)
def test_the_rtl_shows_the_same_in_every_clock(design: str) -> None:
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
        shown = ["busy_o", "done_o", "error_o", "stored_o", "write__wvalid", "write__awvalid", "read__arvalid"]
        found = run_lockstep(text, "machine", inputs, [*shown, "write__wdata"])
        want = {name: [row[name] for row in rows] for name in [*shown, "write__wdata"]}
        got = {name: [value or 0 for value in values] for name, values in found.items()}
        for both in (got, want):
            valid = want["write__wvalid"]
            both["write__wdata"] = [data if flag else 0 for data, flag in zip(both["write__wdata"], valid, strict=True)]
        assert describe_mismatch(want, got) is None, f"seed {seed}"
