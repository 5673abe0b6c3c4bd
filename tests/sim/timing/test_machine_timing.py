"""The timing model of the machine against its cycle model: clocks of every instruction, exactly."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from skipbeat_arch import instruction as isa
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.instruction import VERSION
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import MachineError
from skipbeat_sim.machine.memories import Memories
from skipbeat_sim.machine.run_machine import run_machine
from skipbeat_sim.timing.machine_timing import machine_timing
from skipbeat_sim.timing.stored_tiles import stored_tiles
from tests.sim.machine.machine_programs import MachineProgram, random_hardware
from tests.sim.timing.timing_check import check
from tests.sim.timing.timing_programs import TimingProgram, timing_hardware, turning


def check_case(seed: int, *, turn: bool = False) -> None:
    """A random program on random hardware, which may have a turner; a failure names its seed."""
    rng = np.random.default_rng(seed)
    machine = Machine.of(turning(random_hardware(rng)) if turn else random_hardware(rng))
    program = MachineProgram.random(machine, rng, int(rng.integers(1, 6)))
    tiles = stored_tiles(machine, program.memory, program.instructions)
    check(machine, program.memory, program.instructions, tiles, f"seed {seed}")


def check_pressed(seed: int, parts: int, *, turn: bool = False) -> None:
    """A program that presses on queues, tokens, credits and the bus; a failure names its seed.

    Nothing keeps local vectors and LOADs apart in it: where they meet, both must tell.
    """
    rng = np.random.default_rng(seed)
    machine = Machine.of(turning(timing_hardware(rng)) if turn else timing_hardware(rng))
    program = TimingProgram.random(machine, rng, int(rng.integers(1, parts)))
    error = ""
    with pytest.MonkeyPatch.context() as patch:
        _forget_reads(patch)
        try:
            machine_timing(machine, program.instructions, program.tiles, address=program.address)
        except InputError as refused:
            error = str(refused)
        if not error:
            check(machine, program.memory, program.instructions, program.tiles, f"seed {seed}", program.address)
            return
        run = run_machine(machine, program.memory, program.address, len(program.instructions), max_clocks=200_000)
    assert "the activation banks are written by" in error, f"seed {seed}"
    assert run.error == MachineError.BANK_CONFLICT, f"seed {seed}"


def _forget_reads(patch: pytest.MonkeyPatch) -> None:
    """What these programs compute means nothing, so they may read an entry in the clock in which it is written."""

    def forgetful(write: Callable[..., None]) -> Callable[..., None]:
        def after_forgetting(memories: Memories, *values: object) -> None:
            memories.begin_clock()
            write(memories, *values)

        return after_forgetting

    for write in (Memories.write, Memories.write_banks, Memories.write_output):
        patch.setattr(Memories, write.__name__, forgetful(write))


@pytest.mark.parametrize("seed", range(8))
def test_random_programs(seed: int) -> None:
    check_case(seed)


@pytest.mark.parametrize("seed", range(24))
def test_programs_that_press_on_every_limit(seed: int) -> None:
    check_pressed(seed, 7)


def check_repeating(seed: int, times: int, *, turn: bool = False) -> None:
    """A program that says the same again and again, on every limit."""
    rng = np.random.default_rng(seed)
    machine = Machine.of(turning(timing_hardware(rng)) if turn else timing_hardware(rng))
    program = TimingProgram.repeating(machine, rng, int(rng.integers(1, 4)), times)
    with pytest.MonkeyPatch.context() as patch:
        _forget_reads(patch)
        check(machine, program.memory, program.instructions, program.tiles, f"seed {seed}", program.address)


@pytest.mark.parametrize("seed", range(4))
def test_programs_that_repeat(seed: int) -> None:
    check_repeating(seed, 4)


@pytest.mark.parametrize("seed", range(8))
def test_programs_that_turn(seed: int) -> None:
    check_pressed(seed, 7, turn=True)
    if seed % 4 == 0:
        check_case(seed, turn=True)
        check_repeating(seed, 4, turn=True)


def test_a_job_is_read_ahead_before_the_one_before_it_has_ended() -> None:
    """Fetch asks beside a LOAD that waits, because the queue of jobs moved on early enough."""
    rng = np.random.default_rng(4852)
    machine = Machine.of(timing_hardware(rng))
    program = TimingProgram.random(machine, rng, int(rng.integers(1, 7)), local=False)
    check(machine, program.memory, program.instructions, program.tiles, address=program.address)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(1000, 1320, 40))
def test_many_random_programs(start: int) -> None:
    for seed in range(start, start + 40):
        check_case(seed)
        check_pressed(seed, 25)
        check_repeating(seed, 12)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(2000, 2080, 10))
def test_many_random_programs_that_turn(start: int) -> None:
    for seed in range(start, start + 10):
        check_case(seed, turn=True)
        check_pressed(seed, 25, turn=True)
        check_repeating(seed, 12, turn=True)


def test_the_shortest_program() -> None:
    machine = Machine.of(load_hardware("tiny-4x4"))
    header = isa.Header(version=VERSION, fingerprint=machine.fingerprint)
    program = [header, isa.End()]
    for address in (0, 0x38):
        memory = np.zeros(1 << 12, np.uint8)
        code = b"".join(i.to_word().to_bytes(16, "little") for i in program)
        memory[address : address + len(code)] = np.frombuffer(code, np.uint8)
        # start, request, address, latency, 8 beats, register, three clocks of the queue, queue, END, done, busy
        assert check(machine, memory, program, [], address=address).cycles == 1 + 1 + 1 + 40 + 8 + 6
