"""The output stage and the turner as one: what joins them, and bugs there that a program finds."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest

from skipbeat_arch.machine import Machine
from skipbeat_hw.machine import parts, stages
from skipbeat_hw.simulation.machine_driver import VerilatedMachine
from skipbeat_hw.tools.verilog import machine_verilog
from skipbeat_sim.machine.run_machine import run_machine
from tests.hw.machine.lockstep_parts import SMALL
from tests.hw.planted import mutant
from tests.sim.machine.test_turns import built, turning, words

BUGS = [
    ("turner.residual_i.eq(residual)", "turner.residual_i.eq(0)"),
    ("Mux(reads, turner.residual_address_o, self.residual_address)", "self.residual_address"),
    ("reads | self.residual_enable", "self.residual_enable"),
    ("Mux(shows, turner.vector_o.data, self.data)", "self.data"),
    ("Mux(shows, turner.vector_o.as_value(), self._vector)", "self._vector"),
    ("jobs.valid & turns", "0"),
]


def same(machine: Machine) -> bool:
    """Whether the RTL leaves what the cycle model leaves of two blocks, after as many clocks."""
    program = turning(machine)
    memory, count = words(program), len(program)
    model = run_machine(machine, memory, 0, count, max_clocks=4000)
    run = VerilatedMachine(machine_verilog(machine), machine).run(memory, 0, count, max_clocks=4000)
    return (run.done, run.cycles) == (model.done, model.cycles) and np.array_equal(run.memory, model.memory)


def test_two_blocks() -> None:
    assert same(built("alone"))


@pytest.mark.slow
@pytest.mark.parametrize(("right", "wrong"), BUGS)
def test_a_planted_bug_is_found(right: str, wrong: str) -> None:
    with patch.object(parts, "Stages", mutant(stages, right, wrong).Stages):
        assert not same(built("alone"))


def test_other_hardware_has_no_turner() -> None:
    with patch.object(parts, "Turner", side_effect=AssertionError):
        assert "turner" not in machine_verilog(SMALL.machine)
