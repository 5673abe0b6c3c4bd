"""What the reports derive from an estimate: limits of the speed-up, sums by component and by cause, bytes and bits."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf

from skipbeat_arch.estimate import Bound, Estimate, LayerEstimate
from skipbeat_arch.model import KeptMagnitude
from skipbeat_arch.registers import Cause

#: What the array did, in the order of the reports, with a reader's words.
CAUSES = {
    Cause.COMPUTE: "compute",
    Cause.TILE_WAIT: "waiting for a tile",
    Cause.HAZARD: "hazard",
    Cause.ACTIVATION_WAIT: "waiting for activations",
    Cause.OUTPUT_WAIT: "waiting for the output stage",
    Cause.IDLE: "no pass queued",
}


def speedup(estimate: Estimate | LayerEstimate) -> float | None:
    """Dense cycles over cycles; None without cycles."""
    cycles = estimate.cost.cycles if isinstance(estimate, LayerEstimate) else estimate.cycles
    return estimate.cycles_dense / cycles if cycles else None


def work_limit(estimate: Estimate) -> float:
    """What skipping every zero weight would give if all work took the same time; infinite without nonzero weights."""
    return estimate.macs_dense / estimate.macs if estimate.macs else inf


def amdahl_limit(estimate: Estimate) -> float:
    """Dense cycles over what is left if every layer reaches its own limit, so that dense layers keep their cycles.

    Amdahl's law (AFIPS 1967) with the dense layers as the part that cannot be made quicker. Infinite if every weight
    is zero.
    """
    left = sum(layer.cycles_dense / layer.speedup_limit for layer in estimate.layers)
    return estimate.cycles_dense / left if left else inf


def dense_share(estimate: Estimate) -> float:
    """Share of the dense cycles that dense layers, pooling and additions take, 0..1."""
    dense = sum(layer.cycles_dense for layer in estimate.layers if layer.stays_dense)
    return dense / estimate.cycles_dense if estimate.cycles_dense else 0.0


def utilization(layer: LayerEstimate, pes: int) -> float:
    """Products with weights that are there, per multiplier and clock: 0..1."""
    return layer.computed / (pes * layer.cost.cycles) if layer.cost.cycles else 0.0


def dram_bytes(layer: LayerEstimate) -> int:
    """Bytes over the memory bus, read and written."""
    return layer.cost.machine.read_bytes + layer.cost.machine.written_bytes


def weight_bits(layer: LayerEstimate) -> int:
    """Values and metadata of the stored weights."""
    return layer.cost.value_bits + layer.cost.metadata_bits


def total_dram_bytes(estimate: Estimate) -> int:
    """Bytes over the memory bus of all layers."""
    return sum(map(dram_bytes, estimate.layers))


def total_weight_bits(estimate: Estimate) -> int:
    """Values and metadata of all layers."""
    return sum(map(weight_bits, estimate.layers))


def energy_pj(layer: LayerEstimate) -> float:
    """Of all components."""
    return sum(layer.energy_pj.values())


def energy_by_component(layers: Iterable[LayerEstimate]) -> dict[str, float]:
    """pJ of all layers by component, the largest first."""
    totals: dict[str, float] = {}
    for layer in layers:
        for component, energy in layer.energy_pj.items():
            totals[component] = totals.get(component, 0.0) + energy
    return dict(sorted(totals.items(), key=lambda item: -item[1]))


def clocks_by_cause(layers: Iterable[LayerEstimate]) -> dict[Cause, int]:
    """Clocks of all layers by what the array did."""
    kept = list(layers)
    return {cause: sum(layer.cost.clocks.get(cause, 0) for layer in kept) for cause in CAUSES}


def kept(estimate: Estimate) -> KeptMagnitude | None:
    """What pruning keeps of all layers' weights; None unless channels were permuted for its sake."""
    found = [layer.kept for layer in estimate.layers if layer.kept is not None]
    return sum(found[1:], found[0]) if found else None


def memory_roof(estimate: Estimate) -> float | None:
    """Bytes per clock of the memory, as the memory bounds of the layers have it; None if no layer has one.

    The largest is the one least rounded to whole clocks, and no layer can have moved more.
    """
    rates = [
        dram_bytes(layer) / clocks
        for layer in estimate.layers
        if (clocks := layer.cost.schedule.bounds.get(Bound.MEMORY, 0)) and dram_bytes(layer)
    ]
    return max(rates, default=None)


def balanced_rate(estimate: Estimate) -> float | None:
    """Elements per clock at which the host takes as long as the programs; None if it has nothing to do."""
    elements = estimate.host.elements
    return elements / estimate.cycles if elements and estimate.cycles else None


def latency_ms(estimate: Estimate) -> float:
    """Time of the batch at the clock of the hardware description."""
    return estimate.cycles / estimate.clock_mhz / 1e3


def throughput_per_s(estimate: Estimate) -> float | None:
    """Images (or sequences) per second, one batch after the other; None without cycles."""
    return estimate.batch * estimate.clock_mhz * 1e6 / estimate.cycles if estimate.cycles else None
