"""Bytes of optimiser and host, and their clocks at the port."""

from __future__ import annotations

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.machine import Machine
from skipbeat_arch.training_model import Role, Training
from skipbeat_mapper.training.traffic import TrafficPricer, host_lines, optimiser_lines
from skipbeat_sim.energy.energy_model import EnergyModel
from skipbeat_sim.energy.load_table import load_table
from tests.mapper.training.made_products import model

HARDWARE = load_hardware("train-32x32")
PRICER = TrafficPricer(Machine.of(HARDWARE), EnergyModel(HARDWARE, load_table("horowitz-45nm")))


def test_a_duplex_port_reads_and_writes_at_once() -> None:
    line = PRICER.line("both", Role.UPDATE, (640, 320), (1280, 2560), Role.HOST)
    assert (line.cost.cycles, line.cost.cycles_dense) == (20, 80)
    assert line.cost.energy_dense_pj > line.cost.energy_pj > 0


def test_the_optimiser_moves_sixteen_bytes_for_each_weight() -> None:
    state, sums, made = optimiser_lines(PRICER, Training.BACKPROPAGATION, 1000, (300, 800), (4000, 8000))
    assert state.cost.read_bytes + state.cost.written_bytes == 16_000
    assert state.cost.cycles == 250
    assert (sums.cost.read_bytes, sums.cost.read_bytes_dense) == (16_000, 32_000)
    assert (made.cost.written_bytes, made.cost.written_bytes_dense) == (300, 800)
    assert {line.within for line in (state, sums, made)} == {Role.UPDATE}


def test_without_a_backward_pass_there_are_two_forward_passes() -> None:
    state, made = optimiser_lines(PRICER, Training.FORWARD_ONLY, 1000, (600, 600), (0, 0))
    assert state.cost.read_bytes + state.cost.written_bytes == 16_000
    assert made.cost.written_bytes == 600
    host = model().host
    (forward,) = host_lines(PRICER, host, host, backward=False)
    assert (forward.cost.read_bytes, forward.cost.written_bytes) == (400, 200)
    both = list(host_lines(PRICER, host, host, backward=True))
    assert [line.within for line in both] == [Role.FORWARD, Role.BACKWARD]
    assert sum(line.cost.read_bytes for line in both) == 400
