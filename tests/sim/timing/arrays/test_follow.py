"""The timing model over two arrays: clock for clock what its processes give, and refused what they refuse."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

import skipbeat_sim.timing.machine_timing as timing_module
from skipbeat_arch import instruction as isa
from skipbeat_arch.engines import Engine
from skipbeat_arch.errors import InputError
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.instruction import VERSION, Instruction
from skipbeat_arch.machine import Machine
from skipbeat_arch.tile import TileStatistics
from skipbeat_mapper import search, timed_network
from skipbeat_mapper.search import MappingSearch
from skipbeat_models import zoo
from skipbeat_models.scheme import Scheme
from skipbeat_models.sources import from_module
from skipbeat_sim.timing.machine_timing import MachineTiming, machine_timing
from tests.sim.timing.timing_check import same
from tests.sim.timing.timing_programs import TimingProgram, timing_hardware


@pytest.fixture(autouse=True)
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs of any size are followed over arrays, and the functions run as they are where there is no compiler."""
    monkeypatch.setattr(timing_module, "MANY", 0)
    monkeypatch.setattr(timing_module, "has_compiler", lambda: True)


def outcome(machine: Machine, program: TimingProgram, *, skip: bool) -> MachineTiming | str:
    try:
        return machine_timing(machine, program.instructions, program.tiles, address=program.address, skip=skip)
    except InputError as error:
        return str(error)


def check(seed: int, parts: int) -> bool:
    """A random program; a failure names its seed. Whether it has an end."""
    rng = np.random.default_rng(seed)
    machine = Machine.of(timing_hardware(rng))
    program = TimingProgram.random(machine, rng, parts, local=bool(seed % 2))
    arrays, processes = outcome(machine, program, skip=True), outcome(machine, program, skip=False)
    if isinstance(arrays, str) or isinstance(processes, str):
        assert arrays == processes, f"seed {seed}"
        return False
    assert same(arrays, processes), f"seed {seed}"
    return True


def test_random_programs() -> None:
    assert all(check(seed, 6) for seed in range(0, 12, 2))
    for seed in (1, 3):  # local vectors may meet others at the banks
        check(seed, 6)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 3000, 100))
def test_thousands_of_programs(first: int) -> None:
    assert sum(check(seed, 4 + seed % 40) for seed in range(first, first + 100)) > 40


def test_a_program_that_never_ends_is_refused() -> None:
    machine = Machine.of(load_hardware("tiny-4x4"))
    header = isa.Header(version=VERSION, fingerprint=machine.fingerprint)
    program = [header, isa.Zero(count=1, wait=(Engine.EXECUTE,)), isa.End()]
    with pytest.raises(InputError, match=r"ends before instruction 1 \(ZERO\) has finished"):
        machine_timing(machine, program, [])
    with pytest.raises(InputError, match="never ends"):
        machine_timing(machine, [header, isa.End(wait=(Engine.LOAD,))], [])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "preset"),
    [
        ("zoo:resnet-18", "edge-16x16"),
        ("zoo:resnet-18", "large-32x32"),
        ("zoo:mobilenet-v2", "edge-8x8"),
        ("zoo:deit-s", "edge-16x16-m8"),
    ],
)
def test_programs_of_the_zoo(source: str, preset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every program that is timed for an estimate, and what the search tries."""

    def both(machine: Machine, instructions: Sequence[Instruction], tiles: Sequence[TileStatistics]) -> MachineTiming:
        quick = machine_timing(machine, instructions, tiles)
        assert same(quick, machine_timing(machine, instructions, tiles, skip=False))
        return quick

    monkeypatch.setattr(search, "machine_timing", both)
    monkeypatch.setattr(timed_network, "machine_timing", both)
    machine, searched = Machine.of(load_hardware(preset)), MappingSearch()
    model, inputs, kwargs = zoo.find(source).source()
    description = from_module(model, inputs, kwargs, name=source, scheme=Scheme.parse("2:4"))
    for run in {run.key: run for run in description.runs}.values():
        timed_network.quickest_program(timed_network.placements(run.graph(), machine, run.images), searched)
