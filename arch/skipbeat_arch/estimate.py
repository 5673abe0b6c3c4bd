"""What a layer and a model cost on the machine: the contract between mapper, energy tables and reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum

from .registers import Cause
from .timing import Events


@dataclass(frozen=True, kw_only=True)
class MachineEvents:
    """Counts of events around the core; a vector is V = C_arr bytes.

    Attributes:
        activation_vectors: written into the activation banks, by loads, zeros and the output stage.
        weight_vectors: written into the weight buffer; weight_words: read from it.
        parameter_vectors, residual_vectors, table_vectors: written into these memories.
        residual_reads: vectors read by the output stage.
        outputs: int32 sums that the output stage turned into int8, or passed on raw.
        output_vectors: written into the output memory, and read from it again.
        instructions: executed.
        read_bytes, written_bytes: over the memory bus.
    """

    activation_vectors: int = 0
    weight_vectors: int = 0
    weight_words: int = 0
    parameter_vectors: int = 0
    residual_vectors: int = 0
    table_vectors: int = 0
    residual_reads: int = 0
    outputs: int = 0
    output_vectors: int = 0
    instructions: int = 0
    read_bytes: int = 0
    written_bytes: int = 0

    def __add__(self, other: MachineEvents) -> MachineEvents:
        return MachineEvents(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})

    def times(self, count: int) -> MachineEvents:
        """The events of `count` equal runs."""
        return MachineEvents(**{f.name: getattr(self, f.name) * count for f in fields(self)})


class Bound(StrEnum):
    """What keeps a layer from being quicker, the largest of the lower bounds on its cycles."""

    COMPUTE = "compute"
    MEMORY = "memory"
    DECODER = "decoder"
    OUTPUT = "output"


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How a layer runs.

    Attributes:
        order: loops, outermost first, one line each: what it steps over, how often and how much at a time.
        encodings: tiles by the name of their encoding.
        runner_up: what was tried second best, as a phrase, and its cycles; None if nothing else was tried.
        bounds: lower bounds of the cycles, by what they come from.
        notes: of interest to a reader, such as what imbalance between groups costs.
    """

    order: tuple[str, ...]
    encodings: Mapping[str, int]
    bounds: Mapping[Bound, int]
    runner_up: tuple[str, int] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class LayerCost:
    """A layer on the machine, from memory to memory; exact: its program takes as many clocks on the RTL.

    Attributes:
        cycles: of all its parts and repeats, one after the other.
        clocks: the cycles by what the array did.
        macs: products with a weight that is not zero.
        value_bits, metadata_bits: of the stored weights in memory, as the packed file holds them.
        phases: (engine, start, stop) clocks in which an engine was at work, for timelines; of the first repeat.
    """

    cycles: int
    clocks: Mapping[Cause, int]
    macs: int
    events: Events
    machine: MachineEvents
    value_bits: int
    metadata_bits: int
    bound: Bound
    schedule: Schedule
    phases: tuple[tuple[str, int, int], ...] = field(default=(), repr=False)


@dataclass(frozen=True, kw_only=True)
class LayerEstimate:
    """A layer's cost with what it is compared with.

    Attributes:
        name, kind, shape, pattern, density: of the layer (see `ModelLayer`).
        macs: of the weights that are there; macs_dense: of all.
        cost: as it is. cycles_dense: of the same layer with every weight, on the same machine.
        energy_pj: by component.
    """

    name: str
    kind: str
    shape: str
    pattern: str
    density: float
    macs: int
    macs_dense: int
    cost: LayerCost
    cycles_dense: int
    energy_pj: Mapping[str, float]
    energy_dense_pj: float

    @property
    def speedup(self) -> float:
        """Dense cycles over cycles."""
        return self.cycles_dense / self.cost.cycles

    @property
    def speedup_limit(self) -> float:
        """What skipping every zero weight would give; infinite without weights."""
        return self.macs_dense / self.macs if self.macs else float("inf")


@dataclass(frozen=True, kw_only=True)
class DramSensitivity:
    """The total energy with the lowest and the highest published energy of a DRAM bit, in µJ and pJ."""

    low_pj_per_bit: float
    high_pj_per_bit: float
    low_uj: float
    high_uj: float
    source: str


@dataclass(frozen=True, kw_only=True)
class Reference:
    """Cycles of something else for the same model, and where the difference comes from."""

    name: str
    cycles: int
    cycles_dense: int | None
    explanation: str


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A model on the machine, layer after layer.

    Attributes:
        pes: multipliers. batch: images (or sequences) that the cycles are for.
        host_operators: (name, operator, elements, count, fused), see `HostOperator`.
        energy_table: name and source of the constants.
        assumptions: everything that is not measured on the RTL, a sentence each.
    """

    model: str
    hardware: str
    clock_mhz: float
    pes: int
    batch: int
    layers: tuple[LayerEstimate, ...]
    host_operators: tuple[tuple[str, str, int, int, bool], ...]
    energy_table: str
    dram: DramSensitivity
    references: tuple[Reference, ...]
    assumptions: tuple[str, ...]

    @property
    def cycles(self) -> int:
        """Of all layers."""
        return sum(layer.cost.cycles for layer in self.layers)

    @property
    def cycles_dense(self) -> int:
        """Of all layers with every weight."""
        return sum(layer.cycles_dense for layer in self.layers)

    @property
    def macs(self) -> int:
        """Products with weights that are there."""
        return sum(layer.macs for layer in self.layers)

    @property
    def macs_dense(self) -> int:
        """Products with all weights."""
        return sum(layer.macs_dense for layer in self.layers)

    @property
    def utilization(self) -> float:
        """Products with weights that are there, per multiplier and clock: 0..1."""
        return self.macs / (self.pes * self.cycles) if self.cycles else 0.0

    @property
    def energy_uj(self) -> float:
        """Of all layers and components."""
        return sum(sum(layer.energy_pj.values()) for layer in self.layers) / 1e6
