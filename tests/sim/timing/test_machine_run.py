"""Which processes of a run are asked: none that could go on is left out."""

from __future__ import annotations

from operator import attrgetter

import numpy as np
import pytest

from skipbeat_arch.machine import Machine
from skipbeat_sim.timing.machine_run import WAKES, MachineRun
from skipbeat_sim.timing.timed_program import read_program
from tests.sim.timing.timing_programs import TimingProgram, timing_hardware


def _left_out(seed: int) -> list[str]:
    """Processes of a random program that could have gone on when a run had stopped to wait for its bus."""
    rng = np.random.default_rng(seed)
    machine = Machine.of(timing_hardware(rng))
    program = TimingProgram.random(machine, rng, int(rng.integers(1, 6)))
    run = MachineRun(read_program(machine, program.instructions, program.tiles, program.address))
    run.settle()
    going = True
    while going:
        found = [name for name in WAKES if attrgetter(name)(run)()]
        if found:
            return found
        going = run.step()
    return []


def test_whoever_can_go_on_is_asked() -> None:
    assert [found for seed in range(25) if (found := _left_out(seed))] == []


@pytest.mark.slow
@pytest.mark.parametrize("first", range(100, 2100, 100))
def test_whoever_can_go_on_is_asked_in_thousands_of_programs(first: int) -> None:
    assert [found for seed in range(first, first + 100) if (found := _left_out(seed))] == []


@pytest.mark.parametrize("name", ["core.run", "fetch.dispatch", "store.begin"])
def test_a_process_that_wakes_nobody_is_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WAKES, name, ())
    assert any(_left_out(seed) for seed in range(25))
