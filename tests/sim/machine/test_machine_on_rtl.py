"""Whole programs on the RTL and on the model: the same clocks, errors and memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from skipbeat_arch import instruction as isa
from skipbeat_arch.arrays import Bytes
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import MachineError
from skipbeat_hw.simulation.machine_driver import VerilatedMachine
from skipbeat_hw.tools.verilog import machine_verilog
from skipbeat_sim.machine.run_machine import run_machine
from tests.sim.machine.machine_programs import MachineProgram

DESIGNS = {
    "tiny": ["accumulators.depth=128"],
    "odd": [
        "array.rows=2",
        "array.cols=8",
        "array.group=8",
        "weights.decode_lanes=1",
        "activations.buffer_kib=64",
        "accumulators.depth=128",
        "memory.bytes_per_clock=16",
        "memory.latency_clocks=1",
        "memory.burst_beats=4",
        "memory.outstanding=2",
        "outputs.lanes=8",
        "outputs.buffer_kib=4",
    ],
    "wide": [
        "array.rows=4",
        "array.cols=16",
        "weights.decode_lanes=4",
        "activations.buffer_kib=64",
        "accumulators.depth=128",
        "memory.bytes_per_clock=4",
        "memory.latency_clocks=7",
        "memory.burst_beats=2",
        "memory.outstanding=1",
        "outputs.lanes=1",
        "outputs.buffer_kib=4",
    ],
    "dense": [
        "array.group=1",
        "activations.buffer_kib=64",
        "accumulators.depth=128",
        "memory.bytes_per_clock=4",
        "memory.latency_clocks=5",
    ],
    "two instructions in a vector": [
        "array.rows=8",
        "array.cols=32",
        "weights.decode_lanes=8",
        "activations.buffer_kib=64",
        "accumulators.depth=128",
        "memory.bytes_per_clock=128",
        "memory.latency_clocks=20",
        "outputs.lanes=8",
    ],
    "half of two instructions": [
        "array.rows=8",
        "array.cols=32",
        "weights.decode_lanes=8",
        "activations.buffer_kib=64",
        "accumulators.depth=128",
        "memory.bytes_per_clock=16",
        "memory.latency_clocks=3",
        "outputs.lanes=32",
    ],
}
MAX_CLOCKS = 20_000


class Pair:
    """A design, compiled once, and its model."""

    def __init__(self, keys: list[str]) -> None:
        self.machine = Machine.of(load_hardware("tiny-4x4", keys))
        self.rtl = VerilatedMachine(machine_verilog(self.machine), self.machine)

    def check(self, memory: Bytes, count: int, label: str) -> int:
        """Run both; returns the error that they share."""
        model = run_machine(self.machine, memory, 0, count, max_clocks=MAX_CLOCKS)
        rtl = self.rtl.run(memory, 0, count, max_clocks=MAX_CLOCKS)
        got = (rtl.cycles, rtl.done, rtl.error, rtl.bytes_read, rtl.bytes_written)
        assert got == (model.cycles, model.done, model.error, model.bytes_read, model.bytes_written), label
        assert rtl.stored == model.stored, label
        np.testing.assert_array_equal(rtl.memory, model.memory, err_msg=label)
        return model.error


@pytest.fixture(scope="module", params=list(DESIGNS))
def pair(request: pytest.FixtureRequest) -> Pair:
    return Pair(DESIGNS[request.param])


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_random_programs(pair: Pair) -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        program = MachineProgram.random(pair.machine, rng, units=int(rng.integers(1, 6)))
        assert pair.check(program.memory, len(program.instructions), f"seed {seed}") == 0


def _fault(program: MachineProgram, rng: np.random.Generator, kind: int) -> Bytes:
    """The memory with one fault: a bit of the header, an unknown opcode, or an address outside the memory.

    Nothing reads a memory of the chip that the program has not written: the RTL keeps what the run before left there.
    """
    memory = program.memory.copy()
    place = int(rng.integers(1, len(program.instructions)))
    if kind == 0:
        memory[int(rng.integers(0, 6))] ^= 1 << int(rng.integers(0, 8))
    elif kind == 1:
        memory[16 * place] |= 12
    else:
        moved = {
            i: replace(x, source=x.source | 1 << 30)
            if isinstance(x, isa.Load)
            else replace(x, address=x.address | 1 << 30)
            for i, x in enumerate(program.instructions)
            if isinstance(x, isa.Load) or (isinstance(x, isa.Store) and x.memory)
        }
        place = int(rng.choice(list(moved)))
        word = moved[place].to_word()
        memory[16 * place : 16 * place + 16] = np.frombuffer(word.to_bytes(16, "little"), np.uint8)
    return memory


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_programs_that_contradict_themselves(pair: Pair) -> None:
    """The clock of the error, and what was written before it."""
    errors = set()
    for seed in range(15):
        rng = np.random.default_rng([1, seed])
        program = MachineProgram.random(pair.machine, rng, units=2)
        memory = _fault(program, rng, seed % 3)
        errors.add(pair.check(memory, len(program.instructions), f"seed {seed}"))
    assert {MachineError.BAD_OPCODE, MachineError.READ_FAILED, MachineError.WRONG_HARDWARE} <= errors


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_loads_that_wait_for_nothing(pair: Pair) -> None:
    """They overtake passes and stores, and meet local vectors at the banks: the same clock, the same memory.

    A few write what is read in the same clock, which the model refuses, as what is read then is not defined.
    """
    errors, refused = set(), 0
    for seed in range(15):
        program = MachineProgram.random(pair.machine, np.random.default_rng([2, seed]), units=4)
        memory = program.memory.copy()
        for place, instruction in enumerate(program.instructions):
            if isinstance(instruction, isa.Load | isa.Zero):
                word = replace(instruction, wait=()).to_word().to_bytes(16, "little")
                memory[16 * place : 16 * place + 16] = np.frombuffer(word, np.uint8)
        try:
            errors.add(pair.check(memory, len(program.instructions), f"seed {seed}"))
        except InputError:
            refused += 1
    assert refused < 8
    assert MachineError.BANK_CONFLICT in errors


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_programs_that_are_not_aligned(pair: Pair) -> None:
    """Whatever lies there: the code, a few clocks, and nothing on the bus; the next run is sound."""
    program = MachineProgram.random(pair.machine, np.random.default_rng(4), units=1)
    count, vector = len(program.instructions), pair.machine.vector
    for off in {1, vector // 2, vector - 1}:
        run = pair.rtl.run(program.memory, off, count, max_clocks=MAX_CLOCKS)
        assert (run.done, run.error, run.violations) == (False, MachineError.UNALIGNED_PROGRAM, 0)
        assert (run.cycles, run.bytes_read, run.bytes_written) == (3, 0, 0)
    assert pair.check(program.memory, count, "aligned") == 0
