"""The JSON of the commands that run something: simulate, cosim, regress and demo."""

from __future__ import annotations

from ..ran import Accuracy, MachineLayer
from .estimated import EstimateResult
from .part import Part, Result


class SimulatedLayer(Part):
    """A layer of one run. A level that was not run is null."""

    name: str
    rtl_cycles: int | None
    model_cycles: int | None
    timing_cycles: int
    steps: int
    bound: str
    bounds: dict[str, int]


class SimulateResult(Result):
    """A network by its program, at all levels. `agrees` and `bit_exact` are null if nothing ran to compare.

    `programs`, `kept_programs` (those that found their weights on the chip, from the one before) and `host_operators`
    are null for a network that is one program.
    """

    model: str
    hardware: str
    layer: str | None
    pattern: str
    seed: int
    images: int
    batch: int
    agrees: bool | None
    bit_exact: bool | None
    rtl_cycles: int | None
    model_cycles: int | None
    timing_cycles: int
    steps: int
    core_speed: float
    clocks_per_second: float | None
    counters: dict[str, int]
    layers: list[SimulatedLayer]
    programs: int | None
    kept_programs: int | None
    host_operators: dict[str, int] | None


class GemmLayer(Part):
    """The one layer of a GEMM's program."""

    name: str
    rtl_cycles: int | None
    model_cycles: int | None
    timing_cycles: int


class CosimResult(Result):
    """A GEMM at all levels: on the core, with ports, events and errors, or on the machine, with counters and layers."""

    hardware: str
    gemm: tuple[int, int, int]
    pattern: str
    seed: int
    simulator: str
    agrees: bool
    bit_exact: bool
    ports_agree: bool | None
    rtl_cycles: int
    model_cycles: int | None
    timing_cycles: int | None
    macs: int
    macs_dense: int
    utilization: float
    rtl_error: str | None
    events: dict[str, int] | None
    counters: dict[str, int] | None
    layers: list[GemmLayer] | None


class FailedCase(Part):
    """A case that failed, and the command that repeats it."""

    case: int
    what: str
    failure: str
    repeat: str


class RegressResult(Result):
    """Random cases on the RTL."""

    seed: int
    simulator: str
    cases: int
    passed: int
    rtl_cycles: int
    failed: list[FailedCase]


class MachineRecord(Part):
    """`skipbeat_reports.ran.MachineCheck`, with what it comes to: whether all levels agree, and steps per clock."""

    images: int
    bit_exact: bool
    counters_agree: bool
    rtl_cycles: int
    model_cycles: int
    timing_cycles: int
    counters: dict[str, int]
    clocks_per_second: float
    layers: list[MachineLayer]
    agrees: bool
    core_speed: float


class RanRecord(Part):
    """A trained network on the machine."""

    data: str
    pattern: str
    accuracy: Accuracy
    machine: MachineRecord
    seed: int
    versions: dict[str, str]


class DemoResult(EstimateResult):
    """An estimate, and what ran beside it."""

    ran: RanRecord
