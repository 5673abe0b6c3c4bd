"""Programs that contradict themselves end with the error that names the fault: never a hang."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from skipbeat_arch import instruction as isa
from skipbeat_arch.command import Command, CoreError
from skipbeat_arch.engines import Engine, Kind
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.instruction import VERSION, Instruction
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_ports import MachineError
from skipbeat_arch.tile import pack_tile
from skipbeat_sim.machine.run_machine import MachineModelRun, run_machine
from tests.sim.machine.hand_programs import convolution, image, instructions_of

TINY = Machine.of(load_hardware("tiny-4x4"))
HEADER = isa.Header(version=VERSION, fingerprint=TINY.fingerprint)
END = isa.End()


def run(*instructions: Instruction) -> MachineModelRun:
    return run_machine(TINY, image(instructions), 0, len(instructions), max_clocks=4000)


def load(source: int, *signal: Engine) -> Instruction:
    return isa.Load(width=1, pitch=1, kind=Kind.WEIGHTS, count=3, source=source, signal=signal)


def header(**fields: Any) -> Instruction:
    return replace(HEADER, **fields)


def check(result: MachineModelRun, error: int) -> None:
    assert (result.done, result.error) == (False, error)
    assert result.cycles < 3999


def test_the_first_instruction_must_be_this_machines_header() -> None:
    check(run(END, HEADER), MachineError.BAD_PROGRAM)
    check(run(header(version=VERSION + 1), END), MachineError.BAD_PROGRAM)
    result = run(header(fingerprint=1), END)
    check(result, MachineError.WRONG_HARDWARE)
    assert result.cycles == 52  # the reader still takes what it has asked for


def test_the_last_instruction_must_be_the_only_end() -> None:
    layer = convolution(TINY)
    for count in range(1, layer.count):
        check(run_machine(TINY, layer.memory, 0, count, max_clocks=4000), MachineError.BAD_PROGRAM)
    check(run(HEADER, END, *[load(0x100)] * 40, END), MachineError.BAD_PROGRAM)


def test_opcodes() -> None:
    check(run(HEADER, HEADER, END), MachineError.BAD_OPCODE)
    memory = image([HEADER, END])
    for code in (0, 9, 15):
        memory[16] = code
        check(run_machine(TINY, memory, 0, 2, max_clocks=4000), MachineError.BAD_OPCODE)


def test_addresses_outside_the_memory() -> None:
    wait = isa.End(wait=(Engine.LOAD,))
    check(run(HEADER, load(0x100000, Engine.STORE), wait), MachineError.READ_FAILED)
    layer = convolution(TINY)
    store = layer.memory[16 * (layer.count - 2) : 16 * (layer.count - 1)]
    store[3] = 0x10  # the third byte of the address
    check(run_machine(TINY, layer.memory, 0, layer.count, max_clocks=4000), MachineError.WRITE_FAILED)


def test_too_many_tokens() -> None:
    gives = isa.Setup(n0=1, n1=1, n2=1, n3=1, signal=(Engine.LOAD,))
    assert run(HEADER, *[gives] * 63, END).done
    wait = isa.End(wait=(Engine.LOAD,))
    check(run(HEADER, *[gives] * 64, wait), MachineError.TOKEN_OVERFLOW)


@pytest.mark.parametrize(("memory", "waits"), [(0, False), (1, False), (0, True), (1, True)])
def test_the_banks_are_written_by_one_at_a_time(memory: int, waits: bool) -> None:
    """A ZERO beside local vectors is an error, unless it waits for the STORE."""
    layer = convolution(TINY)
    *before, store, _ = instructions_of(layer.memory, layer.count)
    assert isinstance(store, isa.Store)
    local = replace(store, memory=bool(memory), local=True, signal=(Engine.LOAD,))
    place = isa.Place(to=100, width=1, pitch=1, period=2)
    zero = isa.Zero(to=50, count=900, wait=(Engine.STORE,) if waits else (), signal=(Engine.STORE,))
    program = [*before, zero, place, local, isa.End(wait=(Engine.LOAD,))]
    layer.memory[: 16 * len(program)] = image(program)[: 16 * len(program)]
    result = run_machine(TINY, layer.memory, 0, len(program), max_clocks=4000)
    if waits:
        assert (result.done, result.error, result.bytes_written) == (True, 0, 60 * memory)
    else:
        check(result, MachineError.BANK_CONFLICT)


def test_the_cores_error_is_the_machines() -> None:
    command = Command(pixels=0, beat=1, rows=1, cols=1)
    never = isa.End(wait=(Engine.LOAD,))
    check(run(HEADER, isa.Pass(command=command, words=1), never), CoreError.BAD_GEOMETRY)


@pytest.mark.parametrize(("rows", "bank"), [(2, 0), (2, 1), (2, 2), (2, 3), (3, 2), (1, 1)])
def test_an_entry_is_not_written_while_a_row_of_the_pass_reads_it(rows: int, bank: int) -> None:
    """A planted bug: a LOAD writes an entry of a bank again and again, and does not wait for the PASS that reads it."""
    tile = pack_tile(np.ones((rows, 4, 4), np.int8), TINY.hw)
    activations = isa.Load(width=1, pitch=0, period=2, kind=Kind.ACTIVATIONS, count=9, source=0x2000)
    program = [
        HEADER,
        isa.Load(width=1, pitch=1, kind=Kind.TABLE, count=TINY.table_vectors, source=0x1000),
        isa.Load(width=1, pitch=1, kind=Kind.WEIGHTS, count=len(tile.words), source=0x1200),
        replace(activations, bank=bank, signal=(Engine.EXECUTE,)),
        isa.Setup(n0=1, n1=1, n2=100, n3=1),
        isa.Pass(command=tile.command(100, first=True, last=False), words=len(tile.words), wait=(Engine.LOAD,)),
        replace(activations, bank=bank, count=400, signal=(Engine.STORE,)),
        isa.End(wait=(Engine.LOAD,)),
    ]
    memory = image(program)
    memory[0x1200 : 0x1200 + tile.words.size] = tile.words.view(np.uint8).ravel()
    if bank < rows:
        with pytest.raises(InputError, match="entry 0 of the memory activations is read in the clock in which"):
            run_machine(TINY, memory, 0, len(program), max_clocks=4000)
    else:
        assert run_machine(TINY, memory, 0, len(program), max_clocks=4000).done


@pytest.mark.parametrize("seed", range(20))
def test_a_flipped_bit_in_a_tile_ends_the_run(seed: int) -> None:
    """With another value somewhere, or with an error of the core; the program around it is sound."""
    layer = convolution(TINY)
    rng = np.random.default_rng(seed)
    layer.memory[0x1200 + rng.integers(0, 8)] ^= 1 << rng.integers(0, 8)  # metadata: the bitmap's 8 bytes
    result = run_machine(TINY, layer.memory, 0, layer.count, max_clocks=4000)
    assert result.done != (result.error != 0)
    assert result.error in (0, CoreError.TOO_MANY_NONZEROS, CoreError.TRUNCATED_TILE, CoreError.OVERLONG_TILE)
    assert result.cycles < 3999
