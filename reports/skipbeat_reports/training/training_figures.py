"""The figures of a training step that its reports share."""

from __future__ import annotations

from typing import NamedTuple

from skipbeat_arch.training_estimate import Clocks, RoleCost, StepCost, TrainedLayerCost, TrainingEstimate
from skipbeat_arch.training_model import Role

#: What the work that this one continues has published for 2:8, the mean of its networks.
PUBLISHED = 1.75
PUBLISHED_SOURCE = (
    "SAT with BDWP at 2:8, mean over its networks (arXiv:2309.13015): a figure of its abstract; its array, clock and "
    "numbers are others, and its networks' own figures could not be read"
)
#: What the array computes, and what else takes time.
ARRAY_ROLES, OTHER_ROLES = (Role.FORWARD, Role.BACKWARD, Role.UPDATE), (Role.OPTIMISER, Role.HOST)


class Line(NamedTuple):
    """A way to count the clocks of a step."""

    name: str
    clocks: Clocks
    explanation: str


def lines(estimate: TrainingEstimate) -> tuple[Line, ...]:
    """The three totals of the mean step."""
    return (
        Line("programs alone", estimate.array, "what the array computes, without optimiser and host"),
        Line(
            "overlapped",
            estimate.overlapped,
            "a bound: optimiser and host use what the programs of their pass leave of the memory's port",
        ),
        Line("one after the other", estimate.in_turn, "nothing runs while optimiser and host use the memory"),
    )


def roles(step: StepCost) -> tuple[RoleCost, ...]:
    """The costs of each role that a step has."""
    found = (step.of(role) for role in Role)
    return tuple(cost for cost in found if cost.cycles or cost.cycles_dense)


def role_of(layer: TrainedLayerCost, role: Role) -> RoleCost | None:
    """The cost of a layer's role, if it has it."""
    return next((cost for cost in layer.costs if cost.role is role), None)


def speedup(cycles: float, dense: float) -> float | None:
    """Dense clocks over clocks; None without any."""
    return dense / cycles if cycles else None


def patterns(step: StepCost) -> str:
    """The patterns of a step as a phrase."""
    return f"forward {step.forward}, backward {step.backward}, update {step.update}"
