"""The JSON of the commands that describe, list or measure: hardware, zoo, program, synth and validate."""

from __future__ import annotations

from typing import Any

from skipbeat_arch.fold import Fold
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.machine_program import Code, NodeRange, Place

from .part import Part, Result


class HardwareResult(Result):
    """A description, where its clock is from, and the sizes that follow; why there is no accelerator of it, or null."""

    hardware: Hardware
    clock_source: str
    derived: dict[str, int]
    no_accelerator: str | None


class PresetsResult(Result):
    """Names of the presets."""

    presets: list[str]


class ZooModel(Part):
    """A model that comes with skipbeat."""

    name: str
    description: str
    parameters: int
    macs: int
    input: str
    trained: bool
    shapes_only: bool


class ZooResult(Result):
    """All of them."""

    models: list[ZooModel]


class CacheKind(Part):
    """Entries of one kind."""

    kind: str
    entries: int
    bytes: int


class CacheResult(Result):
    """What is kept of earlier work; `removed_bytes` is null unless it was emptied."""

    folder: str
    bytes: int
    most_bytes: int
    kinds: list[CacheKind]
    removed_bytes: int | None


class ProgramResult(Result):
    """A program file without its instructions."""

    fingerprint: int
    image_bytes: int
    instruction_version: int
    hardware: str
    vector: int
    memory_bytes: int
    address: int
    count: int
    tensors: list[Place]
    nodes: list[NodeRange]
    again: Code | None
    fold: Fold | None
    operand: tuple[int, int] | None
    operand_pitch: int


class ArchiveResult(Result):
    """The manifest of an archive: what machine and host do in turn."""

    version: int
    model: str
    pattern: str
    hardware: Hardware
    arguments: list[dict[str, Any]]
    steps: list[dict[str, Any]]


class SynthResult(Result):
    """Cells of a component, and its frequency for each seed; none if it was not routed."""

    hardware: str
    pes: int
    part: str
    top: str
    area: dict[str, int]
    seeds: list[int]
    fmax_mhz: list[float]
    median_fmax_mhz: float | None
    tools: list[str]


class CellsResult(Result):
    """A component in the cells of a liberty library."""

    hardware: str
    pes: int
    top: str
    library: str
    area: float
    cells: int
    registers: int
    memory_bits: int
    delay_ns: float
    tools: list[str]


class PublishedRow(Part):
    """A published number and what stands beside it."""

    tool: str
    case: str
    published: int
    formula: int | None
    core: int | None
    hardware: str
    explanation: str
    dense_published: int | None
    dense_core: int | None
    machine: int | None
    formula_agrees: bool
    ratio: float | None
    speedup_published: float | None
    speedup_core: float | None


class ValidateResult(Result):
    """All of them, and whether each tool's formula gives what the tool printed."""

    agrees: bool
    rows: list[PublishedRow]
