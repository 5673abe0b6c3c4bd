"""Programs that turn X: what they leave, in any order that tokens allow, and their clocks."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

from skipbeat_arch.arrays import Bytes, Int8Array
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.machine_program import MachineProgram
from skipbeat_mapper.training.turn_programs import GIVEN, REGIONS, TURNED, Operand, Window, can_turn, turn_program
from skipbeat_sim.machine.run_machine import run_machine
from skipbeat_sim.timing.machine_timing import columns_timing
from skipbeat_sim.timing.stored_tiles import program_columns
from skipbeat_verify.interpreter import Interpreter

SMALL = Machine.of(load_hardware("tiny-4x4", ["outputs.turn=true", "outputs.buffer_kib=1"]))
LARGE = Machine.of(load_hardware("edge-16x16-m8", ["outputs.turn=true"]))


class Case(NamedTuple):
    """X of a machine, and what is read of it."""

    machine: Machine
    x: Operand
    windows: tuple[Window, ...]


def window(row: int, column: int, height: int, width: int, *sides: int) -> Window:
    return Window(row=row, column=column, height=height, width=width, sides=sides)


FLAT = Window(row=0, column=0, height=1, width=1, sides=(64 * 4,), flat=True)
CASES = {
    "groups of images that are no multiples of V": Case(
        LARGE, Operand(shape=(16, 8, 8), groups=(10, 11, 11, 10, 11, 11)), (window(-1, -1, 10, 10, 8, 8),)
    ),
    "several blocks": Case(LARGE, Operand(shape=(32, 4, 4), groups=(32, 32)), (window(-1, -1, 6, 6, 16, 16),)),
    "pixels as channels": Case(LARGE, Operand(shape=(64, 2, 2), groups=(64,)), (FLAT,)),
    "pixels as channels in groups": Case(
        SMALL, Operand(shape=(6, 2, 3), groups=(8,)), (replace(window(0, 0, 1, 1, 10, 9, 17), flat=True),)
    ),
    "groups that end within blocks": Case(
        LARGE, Operand(shape=(40, 3, 5), groups=(32,)), (window(-1, -1, 5, 7, 21, 19),)
    ),
    "rectangles that share lines": Case(
        LARGE, Operand(shape=(16, 8, 8), groups=(16, 16)), (window(-1, -1, 6, 10, 8, 8), window(3, -1, 6, 10, 16))
    ),
    "more blocks than a region holds": Case(
        SMALL, Operand(shape=(4 * 20, 1, 3), groups=(8,)), (window(0, 0, 1, 3, 80), window(0, 1, 1, 4, 40, 40))
    ),
    "more images than a region holds": Case(
        SMALL, Operand(shape=(4, 2, 2), groups=(30, 50)), (window(0, -1, 2, 3, 2, 2),)
    ),
}


def values(case: Case, seed: int = 0) -> Int8Array:
    """X int8 [N, C, H, W]."""
    return np.random.default_rng(seed).integers(-128, 128, (case.x.images, *case.x.shape)).astype(np.int8)


def filled(case: Case, program: MachineProgram, x: Int8Array) -> Bytes:
    memory = program.memory()
    for number, image in enumerate(x):
        program.write_tensor(memory, GIVEN, image, number)
    return memory


def check_left(case: Case, program: MachineProgram, memory: Bytes, x: Int8Array) -> None:
    """Every window has its pixels of X, by channel and image, and zeros where X has none."""
    first, margin = 0, 8
    around = np.pad(x, ((0, 0), (0, 0), (margin, margin), (margin, margin)))
    for each in case.windows:
        top, left = margin + each.row, margin + each.column
        wanted = around[:, :, top : top + each.height, left : left + each.width].swapaxes(0, 1)
        if each.flat:
            wanted = x.transpose(2, 3, 1, 0).reshape(-1, len(x), 1, 1)
        assert sum(each.sides) == len(wanted)
        for number, channel in enumerate(wanted, first):
            np.testing.assert_array_equal(program.read_tensor(memory, program.place(TURNED, number), number), channel)
        first += len(wanted)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("favour", "delay"), [("", ""), ("load", "store"), ("store", "load")])
def test_what_is_left_in_any_order(name: str, favour: str, delay: str) -> None:
    case = CASES[name]
    program, x = turn_program(case.machine, "layer", case.x, case.windows), values(case)
    memory = filled(case, program, x)
    Interpreter(program, case.machine.hw, memory, 1, favour, delay).run()
    check_left(case, program, memory, x)


@pytest.mark.parametrize("name", CASES)
def test_its_clocks(name: str) -> None:
    """The timing model's are those of the cycle model, which refuses reads of what is just written."""
    case = CASES[name]
    program, x = turn_program(case.machine, "layer", case.x, case.windows), values(case)
    timing = columns_timing(case.machine, program_columns(program, case.machine))
    run = run_machine(case.machine, filled(case, program, x), 0, program.count, max_clocks=timing.cycles + 10)
    assert (run.done, run.cycles, run.stored) == (True, timing.cycles, timing.stored)
    check_left(case, program, run.memory, x)


def test_it_is_close_to_what_the_memory_allows() -> None:
    """Each vector is read once and written once over one port, where loads and stores overlap."""
    case = CASES["several blocks"]
    program = turn_program(case.machine, "layer", case.x, case.windows)
    timing = columns_timing(case.machine, program_columns(program, case.machine))
    moved = 2 * case.x.images * 32 * 4 * 4 // case.machine.vector
    assert moved < timing.cycles < 1.12 * moved
    assert program.count > 4 * REGIONS


@pytest.mark.parametrize("seed", range(20))
def test_random_operands(seed: int) -> None:
    rng, vector = np.random.default_rng(seed), SMALL.vector
    sides = _sides(rng)
    channels, batch = sum(sides), vector * int(rng.integers(1, 6))
    cuts = sorted(int(cut) for cut in rng.integers(1, batch, 2)) if rng.random() < 0.5 else []
    groups = tuple(int(each) for each in np.diff([0, *cuts, batch]) if each)
    x = Operand(shape=(channels, int(rng.integers(1, 5)), int(rng.integers(1, 7))), groups=groups)
    windows = tuple(
        window(*(int(each) for each in rng.integers(-2, 3, 2)), *(int(each) for each in rng.integers(1, 6, 2)), *sides)
        for _ in range(int(rng.integers(1, 3)))
    )
    case = Case(SMALL, x, windows)
    program, given = turn_program(SMALL, "layer", x, windows), values(case, seed)
    memory = filled(case, program, given)
    Interpreter(program, SMALL.hw, memory, seed).run()
    check_left(case, program, memory, given)


def _sides(rng: np.random.Generator) -> tuple[int, ...]:
    """Groups of channels that lie along blocks of four, and others."""
    kinds = ((4, 4), (2, 2, 4), (1, 3, 8), (8,), (4, 8), (3,), (5, 6), (7, 7, 2), (11,), (3, 9, 1))
    return kinds[int(rng.integers(len(kinds)))]


def test_what_cannot_be_turned() -> None:
    x = Operand(shape=(16, 4, 4), groups=(8,))
    assert can_turn(SMALL, x)
    assert not can_turn(Machine.of(load_hardware("tiny-4x4")), x)
    odd = Operand(shape=(16, 4, 4), groups=(6,))
    assert not can_turn(SMALL, odd), "no whole blocks of images"
    with pytest.raises(InputError, match=r"layer conv: hardware tiny-4x4.* cannot turn its input"):
        turn_program(SMALL, "conv", odd, [window(0, 0, 4, 4, 16)])
