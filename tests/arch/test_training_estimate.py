"""Sums of costs of a step."""

from __future__ import annotations

from skipbeat_arch.training_estimate import Clocks, RoleCost, total
from skipbeat_arch.training_model import Role


def test_costs_of_the_roles_are_summed() -> None:
    costs = [
        RoleCost(role=Role.FORWARD, pattern="2:8", cycles=1, cycles_dense=4, macs=5),
        RoleCost(role=Role.FORWARD, pattern="2:8", cycles=2, cycles_dense=8, macs=6),
        RoleCost(role=Role.HOST, pattern="-", cycles=7, cycles_dense=7),
    ]
    forward = total(costs, (Role.FORWARD,))
    assert (forward.pattern, forward.cycles, forward.cycles_dense, forward.macs) == ("2:8", 3, 12, 11)
    assert total(costs, tuple(Role)).pattern == "-"
    assert total([], (Role.UPDATE,)).cycles == 0
    assert Clocks(cycles=0, dense=0).speedup == 1
