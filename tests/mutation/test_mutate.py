"""The mutation test itself, with a handful of faults in one design."""

from __future__ import annotations

import pytest

from skipbeat_arch.depths import patience
from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.registers import Counter
from skipbeat_hw.machine.counters import READ_CLOCKS
from tests.mutation.engine_cases import engine_cases
from tests.mutation.mutate import DESIGNS, Trial
from tests.mutation.output_cases import output_cases
from tests.mutation.regression_cases import case_of
from tests.mutation.script import WATCHED
from tests.mutation.tile_cases import tile_cases


def test_the_model_ends_every_program_of_the_engines() -> None:
    """Their clocks move with the design, and what they read and write must not meet."""
    machine = Machine.of(load_hardware("tiny-4x4", DESIGNS["2x8, M = 8, duplex bus"]))
    assert all(case_of(machine, program).cycles for program in engine_cases(machine))


@pytest.mark.parametrize("keys", DESIGNS.values(), ids=DESIGNS)
def test_a_program_is_left_before_the_watchdog_ends_it(keys: list[str]) -> None:
    """The error is read after the counters, and the model says that there is none."""
    assert WATCHED + len(Counter) * READ_CLOCKS < patience(load_hardware("tiny-4x4", keys))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_handful_of_faults() -> None:
    name = "2x8, M = 8, duplex bus"
    machine = Machine.of(load_hardware("tiny-4x4", DESIGNS[name]))
    programs = [*list(tile_cases(machine))[:6], *output_cases(machine), *engine_cases(machine)]
    tried = Trial(name, machine, 12, 5, [case_of(machine, program) for program in programs]).try_all()
    noticed = [t for t in tried if t.killer is not None]
    assert all(t.equivalent is None for t in noticed)
    # A few cases of all: half of the faults are found by them, and none where there is none.
    assert len(noticed) >= len([t for t in tried if t.equivalent is None]) / 2
