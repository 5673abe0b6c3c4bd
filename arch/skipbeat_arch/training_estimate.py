"""What a training step costs on the machine: the contract between mapper and reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields

from .effort import Effort
from .provenance import Provenance
from .training_model import Role, Training


@dataclass(frozen=True, kw_only=True)
class RoleCost:
    """What a part of a step costs, and the same with every weight.

    Attributes:
        pattern: of the stationary operand, as text.
        cycles, cycles_dense: clocks of its programs, or of its bytes at the memory's bandwidth.
        macs, macs_dense: products with an operand that is there; those with all of it.
        read_bytes, written_bytes: over the memory bus.
        read_bytes_dense, written_bytes_dense: of the dense step.
        output_stationary, output_stationary_dense: clocks by the formula of an output-stationary array; 0 for what the
            array does not do.
    """

    role: Role
    pattern: str
    cycles: int
    cycles_dense: int
    macs: int = 0
    macs_dense: int = 0
    read_bytes: int = 0
    written_bytes: int = 0
    read_bytes_dense: int = 0
    written_bytes_dense: int = 0
    energy_pj: float = 0.0
    energy_dense_pj: float = 0.0
    output_stationary: int = 0
    output_stationary_dense: int = 0


@dataclass(frozen=True, kw_only=True)
class TrainedLayerCost:
    """A layer: what its forward, backward and update programs cost; a role that it has not is missing.

    Attributes:
        note: why it has no backward part, or that it is a product of activations; empty for most.
    """

    name: str
    kind: str
    shape: str
    costs: tuple[RoleCost, ...]
    note: str = ""

    @property
    def cycles(self) -> int:
        """Of all its programs."""
        return sum(cost.cycles for cost in self.costs)

    @property
    def cycles_dense(self) -> int:
        """Of all its programs with every weight."""
        return sum(cost.cycles_dense for cost in self.costs)


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """What optimiser or host read and write: a line of the report, in bytes and clocks at the memory's bandwidth.

    Attributes:
        what: as a reader knows it. within: the pass that it belongs to, forward, backward or update.
    """

    what: str
    within: Role
    cost: RoleCost


@dataclass(frozen=True, kw_only=True)
class Clocks:
    """Clocks of a step, and of the dense one.

    Attributes:
        cycles, dense: of both.
    """

    cycles: float
    dense: float

    @property
    def speedup(self) -> float:
        """Dense clocks over clocks."""
        return self.dense / self.cycles if self.cycles else 1.0


@dataclass(frozen=True, kw_only=True)
class StepCost:
    """A step with one choice of patterns.

    Attributes:
        share: of a training's steps, 0..1.
        forward, backward, update: the patterns, as text.
        limit: the speed-up that they allow if all products are equally large and nothing else takes time.
        layers: in the order of the forward pass. traffic: of optimiser and host.
        overlapped: clocks if host and optimiser use what programs leave of the memory's port: in the forward pass, and
            in backward and update together.
    """

    share: float
    forward: str
    backward: str
    update: str
    limit: float
    layers: tuple[TrainedLayerCost, ...]
    traffic: tuple[Traffic, ...]
    overlapped: Clocks

    def of(self, *roles: Role) -> RoleCost:
        """All costs of these roles together; of all roles if none is named."""
        layers = (cost for layer in self.layers for cost in layer.costs)
        return total([*layers, *(each.cost for each in self.traffic)], roles or tuple(Role))

    @property
    def array(self) -> RoleCost:
        """What the array computes, without optimiser and host."""
        return self.of(Role.FORWARD, Role.BACKWARD, Role.UPDATE)

    @property
    def work_limit(self) -> float:
        """Products with all operands over those with operands that are there."""
        array = self.array
        return array.macs_dense / array.macs if array.macs else 1.0


def total(costs: Iterable[RoleCost], roles: tuple[Role, ...]) -> RoleCost:
    """The sum of the costs that have one of the roles; its pattern is theirs if they have the same."""
    found = [cost for cost in costs if cost.role in roles]
    patterns = {cost.pattern for cost in found}
    summed = (field.name for field in fields(RoleCost) if field.name not in ("role", "pattern"))
    sums = {name: sum(getattr(cost, name) for cost in found) for name in summed}
    return RoleCost(role=roles[0], pattern=patterns.pop() if len(patterns) == 1 else "-", **sums)


@dataclass(frozen=True, kw_only=True)
class TrainingEstimate:
    """A training step on the machine, and the mean step of a schedule.

    Attributes:
        pes: multipliers. effort: of the search for mappings. batch: images of a step.
        training: how gradients are found. weights: that the optimiser changes.
        steps: the parts of the schedule, in order; one without a schedule. Their shares add up to 1.
        assumptions: all that is not measured on the RTL, a sentence each.
    """

    model: str
    hardware: str
    clock_mhz: float
    clock_source: str
    pes: int
    effort: Effort
    batch: int
    training: Training
    weights: int
    steps: tuple[StepCost, ...]
    energy_table: str
    assumptions: tuple[str, ...]
    provenance: Provenance | None = None

    @property
    def array(self) -> Clocks:
        """Of the mean step's programs alone."""
        return self._mean(lambda step: Clocks(cycles=step.array.cycles, dense=step.array.cycles_dense))

    @property
    def overlapped(self) -> Clocks:
        """Of the mean step if host and optimiser use what the programs leave of the memory's port."""
        return self._mean(lambda step: step.overlapped)

    @property
    def in_turn(self) -> Clocks:
        """Of the mean step if programs, host and optimiser come one after the other."""
        return self._mean(lambda step: Clocks(cycles=step.of().cycles, dense=step.of().cycles_dense))

    @property
    def limit(self) -> float:
        """The speed-up that the patterns allow, over all steps."""
        return 1 / sum(step.share / step.limit for step in self.steps)

    @property
    def energy_pj(self) -> float:
        """Of the mean step."""
        return sum(step.share * step.of().energy_pj for step in self.steps)

    @property
    def energy_dense_pj(self) -> float:
        """Of the dense step."""
        return sum(step.share * step.of().energy_dense_pj for step in self.steps)

    def _mean(self, clocks: Callable[[StepCost], Clocks]) -> Clocks:
        found = [(step.share, clocks(step)) for step in self.steps]
        return Clocks(
            cycles=sum(share * each.cycles for share, each in found),
            dense=sum(share * each.dense for share, each in found),
        )
