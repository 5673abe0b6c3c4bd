"""The JSON of `skipbeat estimate` and `skipbeat demo`."""

from __future__ import annotations

from typing import Literal

from skipbeat_arch.activation_bounds import ActivationBound
from skipbeat_arch.estimate import DramSensitivity, Reference
from skipbeat_arch.iso import Contender
from skipbeat_arch.model import KeptMagnitude, Unpriced

from .part import Part, Result


class StoredBits(Part):
    """Bits of the stored weights."""

    values: int
    metadata: int


class RunnerUp(Part):
    """What was tried second best, and the clocks of both."""

    what: str
    cycles: int
    cycles_chosen: int


class ScheduleRecord(Part):
    """`skipbeat_arch.estimate.Schedule`."""

    order: list[str]
    places: list[str]
    walks: list[str]
    encodings: dict[str, int]
    bounds: dict[str, int]
    runner_up: RunnerUp | None
    notes: list[str]


class LayerRecord(Part):
    """A layer of the model, or a node that is none. Clocks by cause; energies in pJ; events by name."""

    name: str
    kind: str
    layer: bool
    shape: str
    pattern: str
    density: float
    macs: int
    macs_dense: int
    cycles: int
    cycles_dense: int
    speedup: float | None
    speedup_limit: float | None
    utilization: float
    bound: str
    dram_bytes: int
    dram_read_bytes: int
    dram_written_bytes: int
    weight_bits: StoredBits
    energy_pj: float
    energy_dense_pj: float
    energy_by_component: dict[str, float]
    clocks: dict[str, int]
    events: dict[str, int]
    kept: KeptMagnitude | None
    schedule: ScheduleRecord


class RunRecord(Part):
    """A program: clocks of one run, how often it runs, whether weights are on the chip before, and its layers."""

    cycles: int
    repeats: int
    kept: bool
    layers: list[str]


class HostOperatorRecord(Part):
    """An operator that is left to the host, or fused into the output stage."""

    name: str
    operator: str
    elements: int
    count: int
    fused: bool


class HostRecord(Part):
    """What the host computes; clocks at its stated rate, and the rate at which it takes as long as the programs."""

    elements: int
    bytes: int
    elements_per_clock: float | None
    cycles: int | None
    balanced_rate: float | None


class Limits(Part):
    """Bounds on the speed-up; null is infinite."""

    work_skipped: float | None
    amdahl: float | None


class TotalRecord(Part):
    """Of the whole model. Time in ms at the hardware's clock, energy in µJ, its components in pJ."""

    macs: int
    macs_dense: int
    cycles: int
    cycles_layers: int
    cycles_with_host: int | None
    cycles_dense: int
    speedup: float | None
    speedup_limit: float | None
    speedup_limits: Limits
    utilization: float
    latency_ms: float
    throughput_per_s: float | None
    dram_bytes: int
    weight_bits: StoredBits
    kept: KeptMagnitude | None
    energy_uj: float
    energy_dense_uj: float
    energy_by_component: dict[str, float]
    clocks: dict[str, int]


class IsoRecord(Part):
    """The machine beside a dense one of the same resources."""

    machine: Contender
    dense: Contender
    per_clock: float
    per_second: float | None
    per_area: dict[str, dict[str, float]]


class EstimateResult(Result):
    """What a model costs, layer by layer."""

    model: str
    hardware: str
    clock_mhz: float
    clock_source: str
    pes: int
    effort: Literal["quick", "normal", "best"]
    batch: int
    unpriced: list[Unpriced]
    layers: list[LayerRecord]
    runs: list[RunRecord]
    host_ops: list[HostOperatorRecord]
    host: HostRecord
    total: TotalRecord
    references: list[Reference]
    energy_table: str
    dram: DramSensitivity
    assumptions: list[str]
    iso: IsoRecord | None
    activations: list[ActivationBound]
