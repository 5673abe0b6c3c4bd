"""What repeats is copied: clock for clock what following every instruction gives."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import pytest

import skipbeat_sim.timing.machine_timing as timing_module
import skipbeat_sim.timing.replay as replay_module
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.instruction import Instruction
from skipbeat_arch.machine import Machine
from skipbeat_arch.tile import TileStatistics
from skipbeat_mapper import search, timed_network
from skipbeat_models import zoo
from skipbeat_models.scheme import Scheme
from skipbeat_models.sources import from_module
from skipbeat_sim.timing.machine_run import MachineRun
from skipbeat_sim.timing.machine_timing import MachineTiming, machine_timing
from skipbeat_sim.timing.replay import Replay
from tests.sim.timing.timing_check import same
from tests.sim.timing.timing_programs import TimingProgram, timing_hardware


class _Skipped:
    """How many instructions the last program's replay has skipped."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._last: Replay | None = None
        patch.setattr(timing_module, "Replay", self._made)

    def _made(self, run: MachineRun) -> Replay:
        self._last = Replay(run)
        return self._last

    @property
    def count(self) -> int:
        """Instructions."""
        return self._last.skipped if self._last else 0


def _program(seed: int, times: int) -> tuple[Machine, TimingProgram]:
    rng = np.random.default_rng(seed)
    machine = Machine.of(timing_hardware(rng))
    return machine, TimingProgram.repeating(machine, rng, int(rng.integers(1, 4)), times)


def _check(seed: int, times: int) -> int:
    """A program that repeats; a failure names its seed. Returns how many instructions were skipped."""
    machine, program = _program(seed, times)
    with pytest.MonkeyPatch.context() as patch:
        skipped = _Skipped(patch)
        quick = machine_timing(machine, program.instructions, program.tiles, address=program.address)
    slow = machine_timing(machine, program.instructions, program.tiles, address=program.address, skip=False)
    assert same(quick, slow), f"seed {seed}"
    return skipped.count


def test_programs_that_repeat() -> None:
    skipped = [_check(seed, 24) for seed in range(6)]
    assert any(skipped)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 4000, 100))
def test_thousands_of_programs_that_repeat(first: int) -> None:
    skipped = [_check(seed, int(np.random.default_rng(seed).integers(20, 120))) for seed in range(first, first + 100)]
    assert sum(count > 0 for count in skipped) > 60


def test_a_state_of_which_too_little_is_compared_is_not_the_same() -> None:
    """Without its clocks some programs are wrong, which the tests above would see."""
    assert any(map(_is_wrong_without_clocks, range(100)))


def _is_wrong_without_clocks(seed: int) -> bool:
    machine, program = _program(seed, 16)
    slow = machine_timing(machine, program.instructions, program.tiles, address=program.address, skip=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replay_module, "_past", lambda machine: -(1 << 40))
        try:
            quick = machine_timing(machine, program.instructions, program.tiles, address=program.address)
        except (RuntimeError, IndexError, ValueError):
            return True
    return not same(quick, slow)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "preset", "repeats"),
    [
        ("zoo:resnet-18", "edge-16x16", True),
        ("zoo:mobilenet-v2", "edge-8x8", True),
        ("zoo:deit-s", "large-32x32", False),
        ("zoo:gpt-2", "large-32x32", True),
    ],
)
def test_programs_of_the_zoo(source: str, preset: str, repeats: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every program that is timed for an estimate, sparse, and what the search tries; whether any state comes again."""
    skipped: list[int] = []

    def both(
        machine: Machine, instructions: Sequence[Instruction], tiles: Sequence[TileStatistics], *, address: int = 0
    ) -> MachineTiming:
        with pytest.MonkeyPatch.context() as patch:
            counted = _Skipped(patch)
            quick = machine_timing(machine, instructions, tiles, address=address)
            skipped.append(counted.count)
        assert same(quick, machine_timing(machine, instructions, tiles, address=address, skip=False))
        return quick

    monkeypatch.setattr(search, "machine_timing", both)
    monkeypatch.setattr(timed_network, "machine_timing", both)
    machine, searched, runs = Machine.of(load_hardware(preset)), search.MappingSearch(), set[Hashable]()
    model, inputs, kwargs = zoo.find(source).source()
    description = from_module(model, inputs, kwargs, name=source, scheme=Scheme.parse("2:4"))
    for run in description.runs:
        if run.key not in runs:
            runs.add(run.key)
            found = timed_network.placements(run.graph(), machine, run.images)
            timed_network.quickest_program(found, searched)
    assert any(skipped) == repeats
