"""The timing model of the machine against its cycle model: clocks of every instruction, exactly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.instruction import ENGINE_OF, VERSION, Engine, Instruction, Opcode
from skipbeat_arch.machine import Machine
from skipbeat_arch.registers import Cause
from skipbeat_arch.tile import PackedTile
from skipbeat_mapper.machine.compile import compile_network
from skipbeat_sim.machine.runner import run_machine
from skipbeat_sim.machine_timing.model import MachineTiming, machine_timing
from skipbeat_sim.machine_timing.stored_tiles import stored_tiles
from tests.mapper.machine.networks import random_graph
from tests.sim.machine.machine_programs import MachineProgram, random_hardware
from tests.sim.machine_timing.timing_programs import TimingProgram

Bytes = npt.NDArray[np.uint8]


def check(
    machine: Machine, memory: Bytes, instructions: Sequence[Instruction], tiles: Sequence[PackedTile], what: str = "",
    address: int = 0,
) -> MachineTiming:  # fmt: skip
    """Everything that both tell is the same."""
    timing = machine_timing(machine, instructions, tiles, address=address)
    run = run_machine(machine, memory, address, len(instructions), max_clocks=200_000)
    assert run.done, what
    assert timing.cycles == run.cycles, what
    assert (timing.bytes_read, timing.bytes_written) == (run.bytes_read, run.bytes_written), what
    assert timing.events == run.events, what
    for engine in Engine:
        numbers = [n for n, i in enumerate(instructions) if n and ENGINE_OF[i.opcode] == engine]
        spans = [(span.began, span.finished) for span in run.spans[engine]]
        assert [(timing.begin[n], timing.finish[n]) for n in numbers] == spans, what
    assert timing.clocks == {cause: getattr(run.clocks, cause.name.lower()) for cause in Cause}, what
    assert sum(timing.clocks.values()) == timing.cycles, what
    return timing


def check_case(seed: int) -> None:
    """A random program on random hardware; a failure names its seed."""
    rng = np.random.default_rng(seed)
    machine = Machine.of(random_hardware(rng))
    program = MachineProgram.random(machine, rng, int(rng.integers(1, 6)))
    tiles = stored_tiles(machine, program.memory, program.instructions)
    check(machine, program.memory, program.instructions, tiles, f"seed {seed}")


def check_pressed(seed: int) -> MachineTiming:
    """A program that presses on queues, tokens, credits and the bus; a failure names its seed."""
    rng = np.random.default_rng(seed)
    machine = Machine.of(random_hardware(rng))
    program = TimingProgram.random(machine, rng, int(rng.integers(1, 25)))
    return check(machine, program.memory, program.instructions, program.tiles, f"seed {seed}")


@pytest.mark.parametrize("seed", range(16))
def test_random_programs(seed: int) -> None:
    check_case(seed)


@pytest.mark.parametrize("start", range(0, 40, 4))
def test_programs_that_press_on_every_limit(start: int) -> None:
    for seed in range(start, start + 4):
        check_pressed(seed)


def test_a_job_is_read_ahead_before_the_one_before_it_has_ended() -> None:
    """Fetch asks beside a LOAD that waits, because the queue of jobs moved on early enough."""
    rng = np.random.default_rng(55)
    machine = Machine.of(load_hardware("edge-8x8"))
    program = TimingProgram.random(machine, rng, int(rng.integers(1, 25)))
    check(machine, program.memory, program.instructions, program.tiles)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(1000, 1320, 40))
def test_many_random_programs(start: int) -> None:
    for seed in range(start, start + 40):
        check_case(seed)
        check_pressed(seed)


@pytest.mark.parametrize("seed", [0, 2, 4])
@pytest.mark.parametrize("preset", ["tiny-4x4", "edge-16x16-m8"])
def test_compiled_networks(preset: str, seed: int) -> None:
    machine = Machine.of(load_hardware(preset))
    program = compile_network(random_graph(np.random.default_rng(seed)), machine.hw)
    tiles = stored_tiles(machine, program.image, program.instructions)
    check(machine, program.memory(), program.instructions, tiles, f"seed {seed}", program.address)


def test_the_shortest_program() -> None:
    machine = Machine.of(load_hardware("tiny-4x4"))
    header = Instruction(Opcode.HEADER, {"version": VERSION, "fingerprint": machine.fingerprint})
    program = [header, Instruction(Opcode.END)]
    for address in (0, 0x38):
        memory = np.zeros(1 << 12, np.uint8)
        code = b"".join(i.to_word().to_bytes(16, "little") for i in program)
        memory[address : address + len(code)] = np.frombuffer(code, np.uint8)
        # start, request, address, latency, 8 beats, register, FIFO, queue, END, done, busy
        assert check(machine, memory, program, [], address=address).cycles == 1 + 1 + 1 + 40 + 8 + 4
