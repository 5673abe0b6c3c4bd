"""The price of a whole model: its runs, one program each, and what the host does between them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from math import prod
from pathlib import Path
from typing import NamedTuple

from skipbeat_arch.budget import check_passes, program_passes
from skipbeat_arch.clock_source import clock_source
from skipbeat_arch.effort import Effort
from skipbeat_arch.errors import InputError
from skipbeat_arch.estimate import Estimate, HostWork, LayerCost, LayerEstimate, RunEstimate
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.machine_ports import ADDRESS_BITS
from skipbeat_arch.model import ModelDescription, ModelLayer, ModelRun, Twin
from skipbeat_arch.progress import part, through
from skipbeat_arch.timing import MachineEvents
from skipbeat_arch.workload import one_image
from skipbeat_sim.energy.energy_model import EnergyModel, dram_sensitivity
from skipbeat_sim.energy.load_table import DEFAULT_TABLE, load_table

from ..layer_graph import weight_shape
from ..references.model_references import model_references
from ..search.timed_network import no_collection
from .assumptions import assumptions
from .batches import in_batches
from .kept_prices import KeptPrices, RunPrice
from .node_costs import sum_costs
from .row_blocks import in_row_blocks
from .run_prices import RunPricer, without_weights

#: Costs of a row, each with its repeats, as it is and with every weight; None: it stands for the other only.
_Costs = list[tuple[LayerCost | None, LayerCost | None, int]]


class _Row(NamedTuple):
    """A row of the report: a layer's name, or a node that is none with what it is and its output's shape."""

    name: str
    kind: str = ""
    shape: str = ""


#: So many layers are named in a sentence.
_NAMED = 4
#: The pattern of a node that is no layer.
NO_PATTERN = "-"


@no_collection()
def estimate_model(
    description: ModelDescription,
    hw: Hardware,
    *,
    table_name: str | Path = DEFAULT_TABLE,
    kept: KeptPrices | None = None,
    effort: Effort = Effort.NORMAL,
) -> Estimate:
    """Cycles and energy of a model: of its programs, one after the other, node by node.

    Args:
        description: the layers, and the runs that compute them.
        hw: the hardware.
        table_name: of an energy table, or a YAML file.
        kept: prices from before, to which new ones are added; None: every run is priced now.
        effort: of the search for mappings.

    Raises:
        InputError: a model without a product, hardware that has no accelerator, a layer that does not fit it, or an
            energy table that cannot be read.
    """
    if not description.layers and not description.unpriced:
        raise InputError(
            f"model {description.name}: nothing in it multiplies: expected a convolution, a linear layer or attention"
        )
    energy = EnergyModel(hw, load_table(table_name))
    pricer = RunPricer(hw, kept, effort)
    description, in_blocks = in_row_blocks(in_batches(description, hw), hw)
    for layer in description.layers:
        if layer.name not in in_blocks:
            _check_size(layer, hw)
    rows, runs = _priced(description, pricer)
    by_name = {layer.name: layer for layer in description.layers}
    layers = tuple(_layer(row, None if row.kind else by_name[row.name], costs, energy) for row, costs in rows.items())
    total: dict[str, float] = {}
    moved = MachineEvents()
    for layer_row in layers:
        moved += layer_row.cost.machine
        for component, pj in layer_row.energy_pj.items():
            total[component] = total.get(component, 0.0) + pj
    return Estimate(
        model=description.name,
        hardware=hw.name,
        clock_mhz=hw.clock_mhz,
        clock_source=clock_source(hw),
        pes=hw.pes,
        effort=effort,
        batch=description.batch,
        layers=layers,
        runs=runs,
        host=_host(description, hw),
        host_operators=tuple((o.name, o.operator, o.elements, o.count, o.fused) for o in description.host_operators),
        energy_table=energy.name,
        dram=dram_sensitivity(total, moved),
        references=model_references(description, hw),
        assumptions=(*assumptions(description, hw, effort), *energy.assumptions, *description.notes, *_above(layers)),
        unpriced=description.unpriced,
    )


def _priced(description: ModelDescription, pricer: RunPricer) -> tuple[dict[_Row, _Costs], tuple[RunEstimate, ...]]:
    """The costs of each row, and the runs that run."""
    rows: dict[_Row, _Costs] = {}
    runs = []
    for run in through(description.runs, _first_layer, _weight(description)):
        with part(0.0 if run.twin is Twin.ONLY else 0.5):
            price = None if run.twin is Twin.ONLY else pricer.as_it_is(run)
        if price is not None and run.further:
            price = without_weights(price)
        dense = None if run.twin is Twin.NONE else pricer.dense(run)
        either = price or dense
        assert either is not None
        none = [None] * len(either.costs)
        costs = (price.costs if price else none, dense.costs if dense else none)
        for row, sparse, full in zip(_rows(run, either), *costs, strict=True):
            rows.setdefault(row, []).append((sparse, full, run.repeats))
        if price is not None:
            runs.append(_run(run, price))
    return rows, tuple(runs)


def _first_layer(run: ModelRun) -> str:
    return next((name for name in run.layers if name is not None), run.names[0])


def _weight(description: ModelDescription) -> Callable[[ModelRun], float]:
    """How much work the price of a run is: that of its layers, the first time that it comes."""
    macs = {layer.name: layer.macs_dense for layer in description.layers}
    seen: set[Hashable] = set()

    def weight(run: ModelRun) -> float:
        key = run.key, run.images, run.again
        if key in seen:
            return 0.0
        seen.add(key)
        return float(sum(macs[name] for name in run.layers if name is not None))

    return weight


def _above(layers: Sequence[LayerEstimate]) -> list[str]:
    """Why layers are quicker than their zeros alone explain."""
    found = [layer for layer in layers if layer.layer and layer.speedup_limit > layer.work_limit]
    if not found:
        return []
    names = ", ".join(layer.name for layer in found[:_NAMED]) + (", ..." if len(found) > _NAMED else "")
    return [
        f"layers whose speed-up is above that of their multiply-accumulates ({names}): with every weight they wait "
        "longer, for tiles, for memory or for the layer before, and what is saved of that counts in their limit"
    ]


def _rows(run: ModelRun, price: RunPrice) -> list[_Row]:
    """The row of each node: its layer's, or one of its own."""
    nodes = map(_Row, price.names, price.kinds, price.shapes)
    return [row if layer is None else _Row(layer) for row, layer in zip(nodes, run.layers, strict=True)]


def _run(run: ModelRun, price: RunPrice) -> RunEstimate:
    spans = pairwise(accumulate((cost.cycles for cost in price.costs), initial=0))
    return RunEstimate(
        cycles=price.cycles,
        repeats=run.repeats,
        spans=tuple((row.name, *span) for row, span in zip(_rows(run, price), spans, strict=True)),
        phases=price.phases,
        kept=price.kept,
    )


def _layer(row: _Row, layer: ModelLayer | None, costs: _Costs, energy: EnergyModel) -> LayerEstimate:
    """A row; `layer` is None for a node that is none."""
    cost = sum_costs([(sparse, repeats) for sparse, _, repeats in costs if sparse is not None])
    dense = sum_costs([(full, repeats) for _, full, repeats in costs if full is not None])
    if layer is not None and not layer.stored:
        cost = replace(cost, value_bits=0, metadata_bits=0)
    return LayerEstimate(
        name=row.name,
        kind=layer.kind.value if layer else row.kind,
        shape=layer.shape if layer else row.shape,
        pattern=str(layer.pattern) if layer else NO_PATTERN,
        density=layer.density if layer else 1.0,
        macs=_macs(layer, costs) if layer else 0,
        macs_dense=layer.macs_dense if layer else 0,
        cost=cost,
        cycles_dense=dense.cycles,
        energy_pj=energy.energy(cost.events, cost.machine, cost.cycles),
        energy_dense_pj=sum(energy.energy(dense.events, dense.machine, dense.cycles).values()),
        layer=layer is not None,
        kept=layer.kept if layer else None,
    )


def _macs(layer: ModelLayer, costs: _Costs) -> int:
    """Multiply-accumulates of a layer with the weights that are there."""
    computed = [sparse.macs * repeats for sparse, _, repeats in costs if sparse is not None]
    if len(computed) != len(layer.parts):
        return sum(computed)
    return sum(part.macs(macs) for part, macs in zip(layer.parts, computed, strict=True))


def _host(description: ModelDescription, hw: Hardware) -> HostWork:
    """What is left to the host."""
    elements = sum(each.elements * each.count for each in description.host_operators if not each.fused)
    return HostWork(
        elements=elements,
        bytes=elements * hw.numbers.activation_bits // 8,
        elements_per_clock=hw.host.elements_per_clock if hw.host else None,
    )


def _check_size(layer: ModelLayer, hw: Hardware) -> None:
    """Refuse a layer that is too much work, or cannot lie in memory, before any layer is cut into tiles."""
    for each in (*layer.parts, *((layer.whole,) if layer.whole else ())):
        conv, images = one_image(each.workload)
        outputs = conv.c_out * conv.out_size[0] * conv.out_size[1]
        size = prod(weight_shape(conv)) * hw.numbers.weight_bits // 8 + conv.c_in * conv.height * conv.width + outputs
        if max(size, conv.gemm.c * conv.c_out) >= 1 << ADDRESS_BITS:
            raise InputError(
                f"layer {layer.name}: it needs at least {size:,} bytes of memory, more than {ADDRESS_BITS}-bit "
                "addresses reach"
            )
        check_passes(f"layer {layer.name}", program_passes(conv, hw, images))
