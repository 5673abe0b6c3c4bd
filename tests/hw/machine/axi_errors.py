"""Faults of the memory and of programs: the code, a clean stop, and a right run afterwards.

Runs inside the simulator.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiResp

from skipbeat_arch import instruction as isa
from skipbeat_arch.command import CoreError
from skipbeat_arch.decoding import read_instruction
from skipbeat_arch.engines import Engine, Kind
from skipbeat_arch.instruction import INSTRUCTION_BYTES, VERSION, Instruction
from skipbeat_arch.machine_ports import MachineError
from skipbeat_arch.registers import Register

from .axi_bench import DONE, MACHINE, ROUNDS, Bench, scenario
from .axi_scenarios import Scenario

NOWHERE = range(0)
RESPONSES = [AxiResp.SLVERR, AxiResp.DECERR]
HEADER = isa.Header(version=VERSION, fingerprint=MACHINE.fingerprint)
END = isa.End()
NEVER = isa.End(wait=(Engine.LOAD,))


def instructions(program: Scenario) -> list[Instruction]:
    """The program as it lies in memory."""
    code = program.before[program.address :].tobytes()
    words = (code[i : i + INSTRUCTION_BYTES] for i in range(0, INSTRUCTION_BYTES * program.count, INSTRUCTION_BYTES))
    return [read_instruction(int.from_bytes(word, "little")) for word in words]


def loads(program: Scenario, kind: Kind) -> list[range]:
    """Addresses that the program loads one kind of data from."""
    found = [i for i in instructions(program) if isinstance(i, isa.Load) and i.kind == kind]
    return [range(load.source, load.source + load.count * MACHINE.vector) for load in found]


def stores(program: Scenario) -> list[range]:
    """Addresses that the program writes."""
    found = [i for i in instructions(program) if isinstance(i, isa.Store) and i.memory]
    beats = (store.count * (4 if store.raw else 1) for store in found)
    return [range(s.address, s.address + n * MACHINE.vector) for s, n in zip(found, beats, strict=True)]


def one_beat(ranges: Sequence[range]) -> range:
    """A beat somewhere in one of them."""
    where = random.choice(ranges)
    at = random.randrange(where.start, where.stop, MACHINE.vector)
    return range(at, at + MACHINE.vector)


async def stops_with(bench: Bench, code: int) -> None:
    """The run ends with this code, not done, and then nothing moves any more."""
    assert await bench.finish() == code << 8
    assert bench.rules.quiet
    await ClockCycles(bench.dut.clk, 300)
    assert await bench.read(Register.STATUS) == code << 8


@cocotb.test()
@cocotb.parametrize(response=RESPONSES, what=["instructions", Kind.WEIGHTS, Kind.ACTIVATIONS, Kind.PARAMETERS])
async def a_read_that_fails(dut: Any, response: AxiResp, what: str | Kind) -> None:
    bench = await Bench.start(dut, pauses=True)
    program = scenario("network")
    code = [range(program.address, program.address + INSTRUCTION_BYTES * program.count)]
    bench.reads.response = response
    for _ in range(ROUNDS):
        bench.fill(program.before)
        bench.reads.failing = one_beat(loads(program, what) if isinstance(what, Kind) else code)
        await bench.begin(program.address, program.count)
        await stops_with(bench, MachineError.READ_FAILED)
        bench.reads.failing = NOWHERE
    await bench.runs_right(program)


@cocotb.test()
@cocotb.parametrize(response=RESPONSES)
async def a_write_that_fails(dut: Any, response: AxiResp) -> None:
    bench = await Bench.start(dut, pauses=True)
    program = scenario("network")
    bench.writes.response = response
    for _ in range(2 * ROUNDS):
        bench.fill(program.before)
        bench.writes.failing = one_beat(stores(program))
        await bench.begin(program.address, program.count)
        await stops_with(bench, MachineError.WRITE_FAILED)
        bench.writes.failing = NOWHERE
    await bench.runs_right(program)


@cocotb.test()
async def a_memory_that_always_fails(dut: Any) -> None:
    bench = await Bench.start(dut)
    program = scenario("network")
    bench.fill(program.before)
    bench.reads.failing = range(Scenario.SIZE)
    await bench.begin(program.address, program.count)
    await stops_with(bench, MachineError.READ_FAILED)
    bench.reads.failing = NOWHERE
    bench.writes.failing = range(Scenario.SIZE)
    await bench.begin(program.address, program.count)
    await stops_with(bench, MachineError.WRITE_FAILED)
    bench.writes.failing = NOWHERE
    await bench.runs_right(program)


@cocotb.test()
async def faults_that_come_at_random_in_any_program(dut: Any) -> None:
    bench = await Bench.start(dut, pauses=True)
    for number in range(2 + 3 * ROUNDS):
        program = scenario(f"random{number % 2}")
        bench.fill(program.before)
        reads = random.random() < 0.6
        if reads:
            bench.reads.failing = one_beat([r for kind in Kind for r in loads(program, kind)])
        else:
            bench.writes.failing = one_beat(stores(program))
        await bench.begin(program.address, program.count)
        await stops_with(bench, MachineError.READ_FAILED if reads else MachineError.WRITE_FAILED)
        bench.reads.failing = bench.writes.failing = NOWHERE
    await bench.runs_right(scenario("network"))


async def program_fails(bench: Bench, program: Sequence[Instruction], code: int) -> None:
    """These instructions end with this code."""
    memory = np.zeros(1 << 16, np.uint8)
    text = b"".join(i.to_word().to_bytes(INSTRUCTION_BYTES, "little") for i in program)
    memory[: len(text)] = np.frombuffer(text, np.uint8)
    bench.fill(memory)
    await bench.begin(0, len(program))
    await stops_with(bench, code)


@cocotb.test()
async def programs_that_are_not_for_this_hardware(dut: Any) -> None:
    bench = await Bench.start(dut, pauses=True)
    other = replace(HEADER, fingerprint=MACHINE.fingerprint ^ 1 << 31)
    later = replace(HEADER, version=VERSION + 1)
    await program_fails(bench, [other, *instructions(scenario("network"))[1:]], MachineError.WRONG_HARDWARE)
    await program_fails(bench, [later, END], MachineError.BAD_PROGRAM)
    await program_fails(bench, [*instructions(scenario("network"))[1:]], MachineError.BAD_PROGRAM)
    await program_fails(bench, [HEADER, HEADER, END], MachineError.BAD_OPCODE)
    await bench.runs_right(scenario("network"))


@cocotb.test()
async def programs_without_an_end(dut: Any) -> None:
    bench = await Bench.start(dut, pauses=True)
    whole = scenario("network")
    for count in (0, 1, 2, random.randrange(3, whole.count)):
        bench.fill(whole.before)
        await bench.begin(whole.address, count)
        await stops_with(bench, MachineError.BAD_PROGRAM)
    await bench.runs_right(whole)


@cocotb.test()
async def instructions_after_the_end(dut: Any) -> None:
    bench = await Bench.start(dut, pauses=True)
    load = next(i for i in instructions(scenario("network")) if isinstance(i, isa.Load))
    await program_fails(bench, [HEADER, END, *[load] * 40, END], MachineError.BAD_PROGRAM)
    await bench.runs_right(scenario("network"))


@cocotb.test()
async def loads_that_nothing_waits_for(dut: Any) -> None:
    """END comes while they are under way: the machine is busy until the bus is quiet, and asks for no more."""
    bench = await Bench.start(dut, pauses=True)
    bench.fill(scenario("network").before)
    load = isa.Load(width=1, pitch=1, period=2, kind=Kind.WEIGHTS, count=60, source=4100)
    for stuck in (False, True):
        behind = replace(load, wait=(Engine.STORE,) if stuck else ())
        program = [HEADER, load, *[behind] * 6, END]
        text = b"".join(i.to_word().to_bytes(INSTRUCTION_BYTES, "little") for i in program)
        bench.memory[: len(text)] = text
        await bench.begin(0, len(program))
        assert await bench.finish() == DONE
        await ClockCycles(dut.clk, 300)
        assert bench.rules.quiet
    await bench.runs_right(scenario("network"))


@cocotb.test()
async def opcodes_that_there_are_not(dut: Any) -> None:
    bench = await Bench.start(dut)
    program = scenario("network")
    for code in random.sample([0, *range(9, 16)], min(8, 3 * ROUNDS)):
        memory = program.before.copy()
        at = program.address + INSTRUCTION_BYTES * random.randrange(1, program.count)
        memory[at] = memory[at] & 0xF0 | code
        bench.fill(memory)
        await bench.begin(program.address, program.count)
        await stops_with(bench, MachineError.BAD_OPCODE)
    await bench.runs_right(program)


@cocotb.test()
async def a_tile_that_is_cut_short(dut: Any) -> None:
    bench = await Bench.start(dut, pauses=True)
    program = scenario("network")
    number, whole = random.choice(
        [(n, i) for n, i in enumerate(instructions(program)) if isinstance(i, isa.Pass) and i.words > 1]
    )
    memory = program.before.copy()
    at = program.address + INSTRUCTION_BYTES * number
    word = replace(whole, words=whole.words - 1).to_word().to_bytes(INSTRUCTION_BYTES, "little")
    memory[at : at + INSTRUCTION_BYTES] = np.frombuffer(word, np.uint8)
    bench.fill(memory)
    await bench.begin(program.address, program.count)
    await stops_with(bench, CoreError.TRUNCATED_TILE)
    await bench.runs_right(program)


@cocotb.test()
async def too_many_tokens(dut: Any) -> None:
    bench = await Bench.start(dut, pauses=True)
    gives = isa.Setup(n0=1, n1=1, n2=1, n3=1, signal=(Engine.LOAD,))
    await program_fails(bench, [HEADER, *[gives] * 64, NEVER], MachineError.TOKEN_OVERFLOW)
    bench.fill(np.zeros(Scenario.SIZE, np.uint8))
    text = b"".join(i.to_word().to_bytes(INSTRUCTION_BYTES, "little") for i in [HEADER, *[gives] * 63, END])
    bench.memory[: len(text)] = text
    await bench.begin(0, 65)
    assert await bench.finish() == DONE
