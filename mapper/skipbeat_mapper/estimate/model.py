"""The price of a whole model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from skipbeat_arch.estimate import Estimate, LayerEstimate, MachineEvents
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.model import ModelDescription, ModelLayer
from skipbeat_sim.energy.energy_model import EnergyModel, dram_sensitivity
from skipbeat_sim.energy.load_table import DEFAULT_TABLE, load_table

from ..references.model import model_references
from .layers import LayerPricer


def estimate_model(description: ModelDescription, hw: Hardware, *, table_name: str | Path = DEFAULT_TABLE) -> Estimate:
    """Cycles and energy of a model, layer after layer, each from memory to memory.

    Args:
        description: the layers with their zeros.
        hw: the hardware.
        table_name: of an energy table, or a YAML file.

    Raises:
        InputError: hardware that has no accelerator, a layer that does not fit it, or an energy table that cannot be
            read.
    """
    energy = EnergyModel(hw, load_table(table_name))
    pricer = LayerPricer(hw)
    layers = tuple(_layer(layer, pricer, energy) for layer in description.layers)
    total: dict[str, float] = {}
    moved = MachineEvents()
    for layer in layers:
        moved += layer.cost.machine
        for component, pj in layer.energy_pj.items():
            total[component] = total.get(component, 0.0) + pj
    return Estimate(
        model=description.name,
        hardware=hw.name,
        clock_mhz=hw.clock_mhz,
        pes=hw.pes,
        batch=description.batch,
        layers=layers,
        host_operators=tuple((o.name, o.operator, o.elements, o.count, o.fused) for o in description.host_operators),
        energy_table=energy.name,
        dram=dram_sensitivity(total, moved),
        references=model_references(description, hw),
        assumptions=(*assumptions(description.layers, hw), *energy.assumptions, *description.notes),
    )


def _layer(layer: ModelLayer, pricer: LayerPricer, energy: EnergyModel) -> LayerEstimate:
    price = pricer.price(layer)
    dense = energy.energy(price.dense.events, price.dense.machine)
    return LayerEstimate(
        name=layer.name,
        kind=layer.kind.value,
        shape=layer.shape,
        pattern=str(layer.pattern),
        density=layer.density,
        macs=price.cost.macs,
        macs_dense=layer.macs_dense,
        cost=price.cost,
        cycles_dense=price.dense.cycles,
        energy_pj=energy.energy(price.cost.events, price.cost.machine),
        energy_dense_pj=sum(dense.values()),
    )


def assumptions(layers: Sequence[ModelLayer], hw: Hardware) -> tuple[str, ...]:
    """What is not measured on the RTL, a sentence each."""
    memory = hw.memory
    found = [
        "layers run one after the other, each from memory to memory: every layer's cycles are those of its own program "
        "on the RTL, and what a program of several layers saves by overlap is not counted",
        f"the memory serves {memory.bytes_per_clock} bytes per clock after {memory.latency_clocks} clocks, and nobody "
        "else uses it",
        "host operators take no time here; operators that the output stage takes over (batch norm, clamps, additions, "
        "maxima) are not counted either: an addition loads the other operand and a maximum takes more sums, which "
        "skipbeat simulate counts",
        "numbers are int8 with int32 sums; a layer's bias, scale and clamp are in its own program",
        "channels lie in the order that balances a layer's groups, where groups are unevenly full; a layer inside a "
        "network shares that order with its neighbours, which skipbeat simulate heeds",
    ]
    if any(not layer.stored for layer in layers):
        found.append(
            "the second operand of a product of two activations lies in memory as dense tiles, as weights would"
        )
    if any(part.repeats > 1 for layer in layers for part in layer.parts):
        found.append("repeats of a layer load their weights again each time")
    return tuple(found)
