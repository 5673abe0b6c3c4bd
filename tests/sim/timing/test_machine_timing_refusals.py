"""What the timing model refuses, and that the machine would not have run it either."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from skipbeat_arch import instruction as isa
from skipbeat_arch.command import Command
from skipbeat_arch.engines import Engine
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.instruction import VERSION, Instruction
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import MachineError
from skipbeat_arch.tile import pack_tile
from skipbeat_sim.machine.run_machine import MachineModelRun, run_machine
from skipbeat_sim.timing.machine_timing import machine_timing

MACHINE = Machine.of(load_hardware("tiny-4x4"))
HEADER = isa.Header(version=VERSION, fingerprint=MACHINE.fingerprint)
END = isa.End()
L, X, S = Engine.LOAD, Engine.EXECUTE, Engine.STORE


def setup(pixels: int = 1, wait: tuple[Engine, ...] = (), signal: tuple[Engine, ...] = ()) -> Instruction:
    return isa.Setup(n0=1, n1=1, n2=pixels, n3=1, wait=wait, signal=signal)


def load(count: int = 1, kind: int = 3, wait: tuple[Engine, ...] = ()) -> Instruction:
    return isa.Load(width=1, pitch=1, kind=kind, count=count, wait=wait)


def zero(count: int) -> Instruction:
    return isa.Zero(count=count)


def store(count: int = 1, pool: int = 1, raw: int = 0, memory: int = 1, local: int = 0) -> Instruction:
    fields = {"address": 4096, "raw": raw, "count": count, "pool": pool, "memory": memory, "local": local}
    return isa.Store.of_values(fields)


def a_pass(command: Command, words: int = 0) -> Instruction:
    return isa.Pass(command=command, words=words)


def null(pixels: int) -> Command:
    return Command(pixels=pixels, beat=0, rows=0, cols=0, load=False)


def run(program: Sequence[Instruction]) -> MachineModelRun:
    memory = np.zeros(1 << 14, np.uint8)
    code = b"".join(i.to_word().to_bytes(16, "little") for i in program)
    memory[: len(code)] = np.frombuffer(code, np.uint8)
    return run_machine(MACHINE, memory, 0, len(program), max_clocks=3000)


@pytest.mark.parametrize(
    ("body", "stuck"),
    [
        ([store()], 1),
        ([a_pass(null(2)), store(3)], 2),
        # more results than there are credits, and their STORE behind a full queue
        ([a_pass(null(100)), *[a_pass(null(1))] * 20, store(120)], 1),
    ],
)
def test_a_program_that_never_ends(body: list[Instruction], stuck: int) -> None:
    program = [HEADER, *body, END]
    with pytest.raises(InputError, match=f"never ends: instruction {stuck} "):
        machine_timing(MACHINE, program, [])
    assert not run(program).done


@pytest.mark.parametrize(
    ("body", "unfinished"),
    [
        ([load(wait=(X,))], 1),
        ([setup(), setup(wait=(S,))], 2),
        ([zero(50)], 1),
        ([a_pass(null(20))], 1),
        ([*[load(50)] * 12, zero(50)], 13),
    ],
)
def test_a_program_that_ends_before_its_work(body: list[Instruction], unfinished: int) -> None:
    program = [HEADER, *body, END]
    with pytest.raises(InputError, match=f"ends before instruction {unfinished} "):
        machine_timing(MACHINE, program, [])
    outcome = run(program)
    finished = sum(span.finished is not None for spans in outcome.spans.values() for span in spans)
    assert outcome.done
    assert finished < len(program) - 1


def test_loads_may_outlast_the_end() -> None:
    program = [HEADER, load(30), END]
    timing = machine_timing(MACHINE, program, [])
    assert timing.cycles == run(program).cycles == timing.finish[1] + 1
    assert timing.finish[2] < timing.finish[1]


@pytest.mark.parametrize("given", [63, 64])
def test_tokens_are_counted(given: int) -> None:
    program = [HEADER, *[setup(signal=(S,))] * given, a_pass(null(1)), store(), END]
    if given == 63:
        assert machine_timing(MACHINE, program, []).cycles == run(program).cycles
        return
    with pytest.raises(InputError, match="more than 63 tokens from execute to store"):
        machine_timing(MACHINE, program, [])
    assert run(program).error == MachineError.TOKEN_OVERFLOW


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ([END], "expected a HEADER"),
        ([HEADER, HEADER, END], "expected a HEADER"),
        ([HEADER, END, END], "expected an END"),
        ([HEADER], "expected an END"),
        ([isa.Header(version=VERSION, fingerprint=1), END], "another hardware"),
        ([HEADER, load(0), END], r"instruction 1 \(LOAD\) has a count of 0"),
        ([HEADER, zero(0), END], r"instruction 1 \(ZERO\) has a count of 0"),
        ([HEADER, load(kind=5), END], "kind 5"),
        ([HEADER, store(pool=0), END], "pools 0 items"),
        ([HEADER, store(pool=2, raw=1), END], "pools 2 items"),
        ([HEADER, store(memory=0), END], "neither in memory nor locally"),
        ([HEADER, store(raw=1, local=1), END], "stores raw sums or places locally"),
        ([HEADER, isa.Place(wait=(L,)), END], r"instruction 1 \(PLACE\) waits or signals"),
        ([HEADER, setup(4), a_pass(Command(pixels=5, beat=1, rows=1, cols=1, load=False)), END], "not resident"),
        ([HEADER, a_pass(Command(pixels=5, beat=1, rows=1, cols=1)), END], "there are 0 tiles"),
        ([HEADER, a_pass(null(0)), END], "BAD_GEOMETRY"),
    ],
)
def test_what_is_not_a_program(program: list[Instruction], message: str) -> None:
    with pytest.raises(InputError, match=message):
        machine_timing(MACHINE, program, [])


def test_a_walk_and_a_tile_must_be_those_of_the_pass() -> None:
    tile = pack_tile(np.ones((1, 4, 1), np.int8), MACHINE.hw)
    command = tile.command(5, first=True, last=True)
    with pytest.raises(InputError, match="instruction 2 walks over 4 pixels, its pass has 5"):
        machine_timing(MACHINE, [HEADER, setup(4), a_pass(command, len(tile.words)), END], [tile])
    with pytest.raises(InputError, match=f"instruction 2 reads 9 words of a tile of {len(tile.words)}"):
        machine_timing(MACHINE, [HEADER, setup(5), a_pass(command, 9), END], [tile])
