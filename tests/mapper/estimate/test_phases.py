"""When engines were at work: stretches that cover all work, with only short gaps closed."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from skipbeat_arch import instruction as isa
from skipbeat_arch.command import Command
from skipbeat_arch.engines import Engine
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.instruction import Instruction
from skipbeat_arch.machine import Machine
from skipbeat_arch.tile import pack_tile
from skipbeat_mapper.estimate.phases import MOST, Phase, phases
from skipbeat_sim.timing.columns import columns_of
from tests.mapper.random_nodes import few

MACHINE = Machine.of(load_hardware("tiny-4x4"))
TILE = pack_tile(np.ones((1, 4, 1), np.int8), MACHINE.hw)
LOAD, ZERO = isa.Load(count=1), isa.Zero(count=1)
PASS = isa.Pass(command=Command(pixels=1, beat=1, rows=1, cols=1))
STORE = isa.Store(low=0, high=1, count=1, pool=1, memory=True)


def _phases(
    program: Sequence[Instruction], begin: Sequence[int], finish: Sequence[int], cycles: int
) -> tuple[Phase, ...]:
    tiles = [TILE] * sum(isinstance(each, isa.Pass) for each in program)
    return phases(columns_of(MACHINE, program, tiles), begin, finish, cycles)


def test_gaps_of_less_than_a_hundredth_are_closed() -> None:
    """In 1,000 clocks: a gap of 10 clocks is closed, one of 11 is not."""
    program: list[Instruction] = [LOAD, ZERO, LOAD]
    begin, finish = [0, 20, 41], [9, 29, 49]
    assert _phases(program, begin, finish, 1000) == (("load", 0, 30), ("load", 41, 50))


def test_engines_are_apart_and_what_is_no_work_is_left_out() -> None:
    program = [isa.Header(), LOAD, isa.Setup(), PASS, isa.Place(), STORE, isa.End()]
    begin, finish = [0, 1, 2, 5, 6, 7, 99], [0, 3, 2, 8, 6, 9, 99]
    assert _phases(program, begin, finish, 100) == (("load", 1, 4), ("execute", 5, 9), ("store", 7, 10))
    assert _phases([isa.Header(), isa.End()], [0, 1], [0, 1], 2) == ()


def test_a_stretch_lasts_as_long_as_its_longest_work() -> None:
    assert _phases([LOAD, LOAD, LOAD], [0, 5, 40], [30, 10, 50], 100) == (("load", 0, 31), ("load", 40, 51))


def test_nothing_goes_on_behind_the_end() -> None:
    assert _phases([LOAD], [3], [12], 10) == (("load", 3, 10),)


WORK = st.tuples(st.sampled_from([LOAD, PASS, STORE]), st.integers(0, 40), st.integers(0, 300))


@few
@given(st.lists(WORK, max_size=60), st.integers(1, 20_000))
def test_stretches_cover_all_work_and_nothing_long_besides(work: list[tuple[Instruction, int, int]], more: int) -> None:
    clocks, program, begin, finish = dict.fromkeys(Engine, 0), [], [], []
    for instruction, pause, length in work:
        assert isinstance(instruction, isa.Load | isa.Pass | isa.Store)
        start = clocks[instruction.engine] + pause
        clocks[instruction.engine] = start + length + 1
        program.append(instruction)
        begin.append(start)
        finish.append(start + length)
    cycles = max(clocks.values()) + more
    found = _phases(program, begin, finish, cycles)
    for engine in Engine:
        own = [(a, b) for name, a, b in found if name == engine.name.lower()]
        busy = [(a, b + 1) for i, a, b in zip(program, begin, finish, strict=True) if i.engine == engine]
        assert all(before[1] < after[0] for before, after in itertools.pairwise(own))
        assert all(any(a <= first and last <= b for a, b in own) for first, last in busy)
        assert {a for a, _ in own} <= {a for a, _ in busy}
        assert {b for _, b in own} <= {b for _, b in busy}
        assert len(own) <= MOST + 1
