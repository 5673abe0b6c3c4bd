"""What a layer and a model cost on the machine: the contract between mapper, energy tables and reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil

from .activation_bounds import ActivationBound
from .effort import Effort
from .iso import IsoComparison
from .model import KeptMagnitude, Unpriced
from .pattern import DENSE_ZEROS
from .provenance import Provenance
from .registers import Cause
from .timing import Events, MachineEvents


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
        walks: loops of the engines with their strides, one line for each kind of LOAD, PASS and STORE.
        places: what lies where: input, output, weights, banks and offset tables, one line each.
        encodings: tiles by the name of their encoding.
        runner_up: what was tried second best, as a phrase, its clocks and those of the chosen mapping, both of the node
            alone in its place; None if nothing else was tried.
        bounds: lower bounds of the cycles, by what they come from.
        notes: of interest to a reader, such as what imbalance between groups costs.
    """

    order: tuple[str, ...]
    encodings: Mapping[str, int]
    bounds: Mapping[Bound, int]
    places: tuple[str, ...] = ()
    walks: tuple[str, ...] = ()
    runner_up: tuple[str, int, int] | None = None
    notes: tuple[str, ...] = ()

    def repeated(self, bounds: Mapping[Bound, int], times: int) -> Schedule:
        """The schedule of a layer that is computed in so many turns, of which this one is the longest."""
        note = f"it is computed in {times:,} turns; the loops shown are those of the longest one"
        return replace(self, bounds=bounds, notes=(*self.notes, note))


@dataclass(frozen=True, kw_only=True)
class LayerCost:
    """A layer as a part of the program that runs; exact: the RTL takes as many clocks for it.

    Attributes:
        cycles: from the end of the layer before to its own, of all its parts and repeats.
        clocks: the cycles by what the array did.
        macs: products with a weight that is not zero.
        value_bits, metadata_bits: of the stored weights in memory, as the packed file holds them.
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


@dataclass(frozen=True, kw_only=True)
class LayerEstimate:
    """What a layer costs, and what it is compared with; or a node that is no layer: pooling or an addition.

    Attributes:
        name, kind, shape, pattern, density: of the layer (see `ModelLayer`).
        layer: whether it is one; other nodes have no multiply-accumulates of the model.
        macs: of the int8 weights that are not zero; macs_dense: of all.
        cost: as it is. cycles_dense: the same in the run whose layers have every weight, on the same machine.
        energy_pj: by component.
        kept: what pruning kept of its weights, if channels were permuted for its sake.
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
    layer: bool = True
    kept: KeptMagnitude | None = None

    @property
    def computed(self) -> int:
        """Multiply-accumulates of the array with the weights that are there, on padding too."""
        return self.cost.macs if self.layer else 0

    @property
    def stays_dense(self) -> bool:
        """Whether it is pooling or an addition, or has no pattern and hardly a zero (see `DENSE_ZEROS`) to skip."""
        return not self.layer or (self.pattern == "dense" and self.density > 1 - DENSE_ZEROS)

    @property
    def speedup(self) -> float:
        """Dense cycles over cycles."""
        return self.cycles_dense / self.cost.cycles

    @property
    def speedup_limit(self) -> float:
        """What skipping every zero weight would give; infinite without weights, 1 for what is no layer.

        Where the dense twin waits longer, for tiles or for memory, it is the speed-up itself that shows the limit.
        """
        return max(self.work_limit, self.cycles_dense / self.cost.cycles if self.cost.cycles else 1.0)

    @property
    def work_limit(self) -> float:
        """Multiply-accumulates with every weight over those that are left; 1 for what is no layer."""
        if not self.layer:
            return 1.0
        return self.macs_dense / self.macs if self.macs else float("inf")


@dataclass(frozen=True, kw_only=True)
class RunEstimate:
    """One program.

    Attributes:
        cycles: of one run; it runs `repeats` times. kept: whether its weights are on the chip from the run before.
        spans: (name, start, stop) of its nodes, in clocks; they follow one another.
        phases: (engine, start, stop) clocks in which an engine was at work.
    """

    cycles: int
    repeats: int
    spans: tuple[tuple[str, int, int], ...]
    phases: tuple[tuple[str, int, int], ...]
    kept: bool = False


@dataclass(frozen=True, kw_only=True)
class HostWork:
    """What the host computes between programs.

    Attributes:
        elements: of all results. bytes: they take, as int8.
        elements_per_clock: the stated rate; None if there is none.
    """

    elements: int
    bytes: int
    elements_per_clock: float | None = None

    @property
    def cycles(self) -> int | None:
        """Clocks of the machine in which the host does it, at the stated rate."""
        return None if self.elements_per_clock is None else ceil(self.elements / self.elements_per_clock)


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
    """A model on the machine, program after program.

    Attributes:
        clock_source: where `clock_mhz` comes from: `measured on …` or `assumed`.
        pes: multipliers. effort: of the search for mappings. batch: images (or sequences) that the cycles are for.
        layers: of the model, and with them what lies between in the programs: pooling and additions.
        runs: the programs, in order. host: what is computed between them.
        host_operators: (name, operator, elements, count, fused), see `HostOperator`. energy_table: name and source.
        assumptions: everything that is not measured on the RTL, a sentence each.
        iso: the machine beside a dense one of the same resources, if it was asked for.
        unpriced: products, or what may be one, that no number here has.
        activations: bounds on what zeros among activations would save, of the layers whose activations were measured.
    """

    model: str
    hardware: str
    clock_mhz: float
    clock_source: str
    pes: int
    batch: int
    layers: tuple[LayerEstimate, ...]
    runs: tuple[RunEstimate, ...]
    host: HostWork
    host_operators: tuple[tuple[str, str, int, int, bool], ...]
    energy_table: str
    dram: DramSensitivity
    references: tuple[Reference, ...]
    assumptions: tuple[str, ...]
    iso: IsoComparison | None = None
    unpriced: tuple[Unpriced, ...] = ()
    activations: tuple[ActivationBound, ...] = ()
    effort: Effort = Effort.NORMAL
    provenance: Provenance | None = None

    @property
    def cycles(self) -> int:
        """Of all programs as they run."""
        return sum(layer.cost.cycles for layer in self.layers)

    @property
    def layer_cycles(self) -> int:
        """Of the layers alone, without pooling and additions."""
        return sum(layer.cost.cycles for layer in self.layers if layer.layer)

    @property
    def host_cycles(self) -> int | None:
        """Of all programs and of the host, one after the other; None if no rate of the host is stated."""
        return None if self.host.cycles is None else self.cycles + self.host.cycles

    @property
    def cycles_dense(self) -> int:
        """Of all programs with every weight."""
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
        return sum(layer.computed for layer in self.layers) / (self.pes * self.cycles) if self.cycles else 0.0

    @property
    def energy_uj(self) -> float:
        """Of all layers and components."""
        return sum(sum(layer.energy_pj.values()) for layer in self.layers) / 1e6
