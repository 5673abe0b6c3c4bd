"""The timing model of the machine against its cycle model: clocks of every instruction, exactly."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.instruction import ENGINE_OF, VERSION, Engine, Instruction, Opcode
from skipbeat_arch.machine import Machine
from skipbeat_sim.machine.runner import run_machine
from skipbeat_sim.machine_timing.model import MachineTiming, machine_timing
from skipbeat_sim.machine_timing.stored_tiles import stored_tiles
from tests.sim.machine.machine_programs import MachineProgram, random_hardware

Bytes = npt.NDArray[np.uint8]


def check(machine: Machine, instructions: list[Instruction], memory: Bytes, what: str = "") -> MachineTiming:
    """Everything that both tell is the same."""
    timing = machine_timing(machine, instructions, stored_tiles(machine, memory, instructions))
    run = run_machine(machine, memory, 0, len(instructions), max_clocks=200_000)
    assert run.done, what
    assert timing.cycles == run.cycles, what
    assert (timing.bytes_read, timing.bytes_written) == (run.bytes_read, run.bytes_written), what
    assert timing.events == run.events, what
    for engine in Engine:
        numbers = [n for n, i in enumerate(instructions) if n and ENGINE_OF[i.opcode] == engine]
        spans = [(span.began, span.finished) for span in run.spans[engine]]
        assert [(timing.begin[n], timing.finish[n]) for n in numbers] == spans, what
    assert sum(timing.clocks.values()) == timing.cycles, what
    return timing


def check_case(seed: int) -> None:
    """A random program on random hardware; a failure names its seed."""
    rng = np.random.default_rng(seed)
    machine = Machine.of(random_hardware(rng))
    program = MachineProgram.random(machine, rng, int(rng.integers(1, 6)))
    check(machine, program.instructions, program.memory, f"seed {seed}")


def image(instructions: list[Instruction]) -> Bytes:
    memory = np.zeros(1 << 16, np.uint8)
    code = b"".join(i.to_word().to_bytes(16, "little") for i in instructions)
    memory[: len(code)] = np.frombuffer(code, np.uint8)
    return memory


@pytest.mark.parametrize("seed", range(24))
def test_random_programs(seed: int) -> None:
    check_case(seed)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(1000, 1200, 40))
def test_many_random_programs(start: int) -> None:
    for seed in range(start, start + 40):
        check_case(seed)


def test_the_shortest_program() -> None:
    machine = Machine.of(load_hardware("tiny-4x4"))
    header = Instruction(Opcode.HEADER, {"version": VERSION, "fingerprint": machine.fingerprint})
    program = [header, Instruction(Opcode.END)]
    assert check(machine, program, image(program)).cycles == 55
