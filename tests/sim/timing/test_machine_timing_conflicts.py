"""Local vectors beside LOADs and ZEROs: the timing model refuses a program exactly if the machine stops at it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from skipbeat_arch import instruction as isa
from skipbeat_arch.command import Command
from skipbeat_arch.engines import Kind
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.instruction import VERSION, Instruction
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import MachineError
from skipbeat_sim.machine.run_machine import run_machine
from skipbeat_sim.timing.machine_timing import machine_timing
from tests.sim.timing.timing_check import check


def meets(machine: Machine, body: Sequence[Instruction]) -> bool:
    """Whether two writes meet in a program, which both models must tell."""
    header = isa.Header(version=VERSION, fingerprint=machine.fingerprint)
    program = [header, *body, isa.End()]
    memory = np.zeros(1 << 13, np.uint8)
    code = b"".join(i.to_word().to_bytes(16, "little") for i in program)
    memory[: len(code)] = np.frombuffer(code, np.uint8)
    try:
        machine_timing(machine, program, [])
    except InputError as refused:
        error = str(refused)
    else:
        check(machine, memory, program, [])
        return False
    assert "the activation banks are written by" in error
    assert run_machine(machine, memory, 0, len(program), max_clocks=5000).error == MachineError.BANK_CONFLICT
    return True


def one_vector(items: int) -> list[Instruction]:
    """A local vector, which comes later the more items it is the maximum of."""
    command = Command(pixels=items, beat=0, rows=0, cols=0, load=False, first=True, last=True)
    store = isa.Store(count=1, pool=items, local=True)
    return [isa.Pass(command=command), isa.Place(width=1, pitch=1), store]


def load(count: int, kind: Kind = Kind.ACTIVATIONS, bank: int = 0, period: int = 0) -> Instruction:
    return isa.Load(width=1, pitch=1, period=period, bank=bank, kind=kind, count=count)


def test_a_zero_meets_a_vector_in_one_clock_of_its_own() -> None:
    machine = Machine.of(load_hardware("tiny-4x4", ["memory.bytes_per_clock=4", "memory.latency_clocks=1"]))
    lengths = [n for n in range(1, 80) if meets(machine, [isa.Zero(to=0, count=n), *one_vector(1)])]
    assert lengths
    assert lengths == list(range(lengths[0], 80))
    assert lengths[0] > 1


@pytest.mark.parametrize("port", [1, 2, 4, 8])
def test_a_load_meets_a_vector_once_in_the_beats_of_each_of_its_own(port: int) -> None:
    memory = [f"memory.bytes_per_clock={port}", "memory.latency_clocks=1", "outputs.lanes=4"]
    machine = Machine.of(load_hardware("tiny-4x4", memory))
    delays = [items for items in range(1, 21) if meets(machine, [load(60), *one_vector(items)])]
    assert delays == list(range(delays[0], 21, machine.vector_beats))


@pytest.mark.parametrize(
    "other", [load(60, Kind.RESIDUAL), load(60, bank=32, period=6)], ids=["residual", "banks that there are not"]
)
def test_a_load_that_writes_no_bank_meets_nothing(other: Instruction) -> None:
    machine = Machine.of(load_hardware("tiny-4x4", ["memory.bytes_per_clock=4", "memory.latency_clocks=1"]))
    assert not any(meets(machine, [other, *one_vector(items)]) for items in range(1, 8))
