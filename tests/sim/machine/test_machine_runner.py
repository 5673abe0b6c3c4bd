"""Whole programs on the model of the machine: what they write, how long they take, and what is counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from skipbeat_arch import instruction as isa
from skipbeat_arch.arrays import Bytes
from skipbeat_arch.engines import Engine, Opcode
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.instruction import VERSION, Instruction
from skipbeat_arch.machine import Machine
from skipbeat_arch.numbers import requantise
from skipbeat_sim.machine.run_machine import MachineModelRun, run_machine
from tests.sim.machine.hand_programs import convolution, image, instructions_of
from tests.sim.machine.machine_programs import MachineProgram, random_hardware

TINY = Machine.of(load_hardware("tiny-4x4"))
HEADER = isa.Header(version=VERSION, fingerprint=TINY.fingerprint)
END = isa.End()


def run(instructions: list[Instruction], max_clocks: int = 2000) -> MachineModelRun:
    return run_machine(TINY, image(instructions), 0, len(instructions), max_clocks=max_clocks)


def test_the_shortest_program() -> None:
    """8 vectors from clock 3 + 40 on; a clock for the beat, `done` and `busy`, three for the queue."""
    result = run([HEADER, END])
    assert (result.cycles, result.done, result.error) == (57, True, 0)
    assert (result.bytes_read, result.bytes_written) == (32, 0)
    assert (result.clocks.idle, result.clocks.cycles) == (57, 57)


def test_a_convolution_by_hand() -> None:
    """1×1, 16 channels to 4, on 3×5 pixels: b steps per pixel, every byte crosses the bus once."""
    layer = convolution(TINY)
    result = run_machine(TINY, layer.memory, 0, layer.count, max_clocks=5000)
    sums = layer.x.reshape(16, 15).T.astype(np.int64) @ layer.weights + layer.bias
    got = result.memory[layer.output : layer.output + 60].view(np.int8).reshape(15, 4)
    np.testing.assert_array_equal(got, requantise(sums, layer.multiplier, 45))
    assert (result.cycles, result.done, result.error) == (321, True, 0)
    assert (result.bytes_read, result.bytes_written) == (536, 60)
    moved = result.transfers
    assert (moved.instructions, moved.activations, moved.parameters, moved.outputs) == (192, 240, 52, 60)
    assert result.clocks.compute == 15 * 4
    assert result.events.macs == 15 * np.count_nonzero(layer.weights)
    kinds = [[span.opcode.name for span in result.spans[engine]] for engine in Engine]
    assert kinds == [["LOAD"] * 7, ["SETUP", "PASS"], ["STORE", "END"]]
    # The writer is asked a clock after the last vector; its first beat follows after 3, the response behind 15.
    assert result.stored == (298,)
    assert result.spans[Engine.STORE][0].finished == 298 + 1 + 3 + 15 + 1


def test_a_local_store_writes_nothing_to_memory() -> None:
    """It has ended a clock after its last vector left the output stage."""
    layer = convolution(TINY)
    *before, store, end = instructions_of(layer.memory, layer.count)
    assert isinstance(store, isa.Store)
    local = replace(store, memory=False, local=True)
    place = isa.Place(to=200, width=5, pitch=7, period=2, bank=3)
    program = [*before, place, local, end]
    memory = layer.memory.copy()
    memory[: 16 * len(program)] = image(program)[: 16 * len(program)]
    result = run_machine(TINY, memory, 0, len(program), max_clocks=5000)
    assert (result.done, result.error, result.bytes_written) == (True, 0, 0)
    np.testing.assert_array_equal(result.memory, memory)
    placed, stored, ended = result.spans[Engine.STORE]
    assert placed.finished == placed.began < stored.began
    assert [stored.finished] == [clock + 1 for clock in result.stored]
    assert ended.began == result.stored[0] + 2


@pytest.mark.parametrize("seed", range(25))
def test_random_programs_leave_the_memory_that_arithmetic_gives(seed: int) -> None:
    rng = np.random.default_rng(seed)
    _check_random(Machine.of(random_hardware(rng)), rng)


@pytest.mark.parametrize("share", [0.25, 0.5, 1, 2, 4])
@pytest.mark.parametrize(("rows", "cols"), [(4, 16), (8, 32), (16, 64)])
def test_wide_vectors_and_every_port(rows: int, cols: int, share: float) -> None:
    """With 32 columns a vector holds two instructions, with 64 four."""
    keys = [
        f"array.rows={rows}",
        f"array.cols={cols}",
        f"memory.bytes_per_clock={int(cols * share)}",
        "activations.buffer_kib=128",
        "outputs.buffer_kib=16",
        "weights.buffer_kib=64",
    ]
    _check_random(Machine.of(load_hardware("tiny-4x4", keys)), np.random.default_rng([cols, int(4 * share)]))


def _check_random(machine: Machine, rng: np.random.Generator) -> None:
    program = MachineProgram.random(machine, rng, units=int(rng.integers(1, 4)))
    before = program.memory.copy()
    result = run_machine(machine, program.memory, 0, len(program.instructions), max_clocks=100_000)
    assert (result.done, result.error) == (True, 0)
    np.testing.assert_array_equal(result.memory, program.after)
    np.testing.assert_array_equal(program.memory, before)
    _check_counters(result, program)


def _check_counters(result: MachineModelRun, program: MachineProgram) -> None:
    assert result.clocks.cycles == result.cycles
    written = sum(len(data) for _, data in program.expected)
    assert result.transfers.outputs == result.bytes_written == written
    assert sum(vars(result.transfers).values()) == result.bytes_read + result.bytes_written
    steps = (result.events.macs + result.events.slots_idle) // program.machine.hw.pes
    assert result.clocks.compute == steps
    spans = [span for engine in Engine for span in result.spans[engine]]
    assert len(spans) == len(program.instructions) - 1
    stores = [span for span in spans if span.opcode == Opcode.STORE]
    assert len(result.stored) == len(stores)
    for span, clock in zip(stores, result.stored, strict=True):
        assert span.finished is not None
        assert span.began < clock < span.finished
    for span in spans:
        assert span.finished is not None
        assert span.began <= span.finished < result.cycles


def test_the_causes_of_waiting() -> None:
    """The array waits for what it is denied: a slow memory, or one output lane behind passes of one step."""
    layer = convolution(TINY)
    waits = run_machine(TINY, layer.memory, 0, layer.count, max_clocks=5000).clocks
    assert waits.tile_wait > 0
    assert waits.idle > 100
    slow = Machine.of(load_hardware("tiny-4x4", ["outputs.lanes=1"]))
    rng = np.random.default_rng(5)
    total = 0
    for _ in range(4):
        program = MachineProgram.random(slow, rng, units=3)
        clocks = run_machine(slow, program.memory, 0, len(program.instructions), max_clocks=50_000).clocks
        total += clocks.output_wait
    assert total > 0


def test_a_program_that_never_ends() -> None:
    result = run([HEADER, isa.End(wait=(Engine.LOAD,))], max_clocks=300)
    assert (result.cycles, result.done, result.error) == (299, False, 0)
    assert result.spans[Engine.STORE] == []


@pytest.mark.parametrize(
    ("memory", "address", "count", "message"),
    [
        (np.zeros(64, np.int8), 0, 1, "memory must be uint8"),
        (np.zeros((8, 8), np.uint8), 0, 1, "memory must be uint8"),
        (np.zeros(64, np.uint8), 2, 1, "its address must be"),
        (np.zeros(64, np.uint8), 1 << 32, 1, "its address must be"),
        (np.zeros(64, np.uint8), 0, 0, "it must have"),
        (np.zeros(64, np.uint8), 0, 1 << 24, "it must have"),
    ],
)
def test_bad_arguments(memory: Bytes, address: int, count: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        run_machine(TINY, memory, address, count, max_clocks=100)
