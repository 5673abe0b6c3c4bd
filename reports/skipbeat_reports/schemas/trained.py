"""The JSON of `skipbeat train-estimate`."""

from __future__ import annotations

from typing import Literal

from .part import Part, Result

_Role = Literal["forward", "backward", "update", "optimiser", "host"]


class RoleRecord(Part):
    """`skipbeat_arch.training_estimate.RoleCost`, and its speed-up; null without clocks."""

    role: _Role
    pattern: str
    cycles: int
    cycles_dense: int
    macs: int
    macs_dense: int
    read_bytes: int
    written_bytes: int
    read_bytes_dense: int
    written_bytes_dense: int
    energy_pj: float
    energy_dense_pj: float
    output_stationary: int
    output_stationary_dense: int
    speedup: float | None


class TrafficRecord(RoleRecord):
    """A line of optimiser or host, and the pass that it belongs to."""

    what: str
    within: _Role


class TrainedLayerRecord(Part):
    """A layer with the roles that it has; `note` says why one is missing."""

    name: str
    kind: str
    shape: str
    note: str
    cycles: int
    cycles_dense: int
    speedup: float | None
    roles: list[RoleRecord]


class ClocksRecord(Part):
    """Clocks of a step, of the dense one, and their quotient; those of a mean step are no whole numbers."""

    cycles: float
    cycles_dense: float
    speedup: float


class StepRecord(Part):
    """A part of the schedule: its share of all steps, its patterns, and what they allow."""

    share: float
    forward: str
    backward: str
    update: str
    speedup_limit: float
    work_limit: float
    overlapped: ClocksRecord
    roles: list[RoleRecord]
    layers: list[TrainedLayerRecord]
    traffic: list[TrafficRecord]


class MeanStepRecord(Part):
    """Of the mean step: programs alone, a bound with optimiser and host beside them, and one after the other."""

    array: ClocksRecord
    overlapped: ClocksRecord
    in_turn: ClocksRecord
    speedup_limit: float
    energy_pj: float
    energy_dense_pj: float


class PublishedRecord(Part):
    """A published speed-up, and what it is of."""

    speedup: float
    source: str


class TrainEstimateResult(Result):
    """What a training step costs, layer by layer."""

    model: str
    hardware: str
    clock_mhz: float
    clock_source: str
    pes: int
    effort: Literal["quick", "normal", "best"]
    batch: int
    training: Literal["backpropagation", "forward-only"]
    weights: int
    steps: list[StepRecord]
    total: MeanStepRecord
    published: PublishedRecord
    energy_table: str
    assumptions: list[str]
