"""The plots with a bar per layer: cycles, energy, where each clock went, weight bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skipbeat_arch.estimate import Estimate

from ..bars import Plot, bars, count_axis, figure, is_tall, marks, share_axis, stacks, values
from ..numbers import bits, bits_unit, energy, energy_unit, printable, ratio
from . import figures
from .points import density, roofline
from .roles import CAUSE_ROLES, component_roles

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def all_plots(estimate: Estimate) -> list[Plot]:
    """The plots of the page, in order; none when there are no layers."""
    draws = (roofline, density, cycles, energies, clocks, weights)
    return [draw(estimate) for draw in draws] if estimate.layers else []


def _names(estimate: Estimate) -> list[str]:
    return [layer.name for layer in estimate.layers]


def cycles(estimate: Estimate) -> Plot:
    """Dense and sparse cycles as bars, the limit as a mark."""
    layers = estimate.layers

    def draw(axes: Axes) -> None:
        dense, sparse = [layer.cycles_dense for layer in layers], [layer.cost.cycles for layer in layers]
        bars(axes, dense, "dense", 0.62)
        bars(axes, sparse, "accent", 0.30)
        marks(axes, [layer.cycles_dense / layer.speedup_limit for layer in layers])
        ends = [max(pair) for pair in zip(dense, sparse, strict=True)]
        values(axes, ends, [ratio(figures.speedup(layer)) for layer in layers])
        count_axis(axes, max(*dense, *sparse, 1), "cycles")

    return Plot(
        title="Cycles per layer",
        caption="Shorter is faster. The figure at the end of a bar is the speed-up over dense on the same array; "
        "the limit is what the dense cycles would be without the work on zero weights.",
        legend=(("dense", "dense"), ("accent", "as it is"), ("limit", "limit")),
        svg=figure(_names(estimate), draw, "cycles", "Bars: dense cycles, cycles and limit of each layer"),
        tall=is_tall(len(layers)),
    )


def energies(estimate: Estimate) -> Plot:
    """Energy by component, on a bar of the dense layer's."""
    layers = estimate.layers
    parts = component_roles(list(figures.energy_by_component(layers)))

    def draw(axes: Axes) -> None:
        totals = [figures.energy_pj(layer) for layer in layers]
        most = max(*totals, *(layer.energy_dense_pj for layer in layers), 1.0)
        unit, scale = energy_unit(most)
        bars(axes, [layer.energy_dense_pj / scale for layer in layers], "dense", 0.62)
        shares = [
            [sum(layer.energy_pj.get(name, 0.0) for name in names) / scale for _, _, names in parts] for layer in layers
        ]
        stacks(axes, shares, [colour for colour, _, _ in parts], 0.30)
        ends = [max(layer.energy_dense_pj, total) / scale for layer, total in zip(layers, totals, strict=True)]
        values(axes, ends, [energy(total) for total in totals])
        count_axis(axes, most / scale, unit)

    return Plot(
        title="Energy per layer",
        caption=f"By component, with the constants of {printable(estimate.energy_table)}. The figure at the end "
        "of a bar is the sum.",
        legend=(("dense", "dense"), *((colour, printable(label)) for colour, label, _ in parts)),
        svg=figure(_names(estimate), draw, "energy", "Stacked bars: energy of each layer by component"),
        tall=is_tall(len(layers)),
    )


def clocks(estimate: Estimate) -> Plot:
    """Each layer's clocks by what the array did, as shares."""
    layers = estimate.layers
    seen = [cause for cause, number in figures.clocks_by_cause(layers).items() if number]

    def draw(axes: Axes) -> None:
        wholes = [max(sum(layer.cost.clocks.values()), 1) for layer in layers]
        shares = [
            [layer.cost.clocks.get(cause, 0) / whole for cause in seen]
            for layer, whole in zip(layers, wholes, strict=True)
        ]
        stacks(axes, shares, [CAUSE_ROLES[cause] for cause in seen])
        values(axes, [1] * len(layers), [f"{layer.cost.cycles:,}" for layer in layers])
        share_axis(axes)

    return Plot(
        title="Where each clock went",
        caption="Shares of a layer's cycles, whose number stands at the right. Compute includes steps in which ragged "
        "sizes or uneven groups leave multipliers idle. A hazard is a wait after a pass so short that the next one "
        "reads what it has just written. No pass is queued while a layer's first data arrive and its last results "
        "leave.",
        legend=tuple((CAUSE_ROLES[cause], figures.CAUSES[cause]) for cause in seen),
        svg=figure(_names(estimate), draw, "clocks", "Stacked bars: clocks of each layer by what the array did"),
        tall=is_tall(len(layers)),
    )


def weights(estimate: Estimate) -> Plot:
    """Bits of the stored weights by what they hold."""
    layers = estimate.layers

    def draw(axes: Axes) -> None:
        most = max(*map(figures.weight_bits, layers), 1)
        unit, scale = bits_unit(most)
        shares = [[layer.cost.value_bits / scale, layer.cost.metadata_bits / scale] for layer in layers]
        stacks(axes, shares, ["accent", "warm"])
        stored = [figures.weight_bits(layer) for layer in layers]
        values(axes, [total / scale for total in stored], [bits(total) if total else "none" for total in stored])
        count_axis(axes, most / scale, unit)

    return Plot(
        title="Stored weights",
        caption="What a layer's weights take in memory, as the packed file holds them. Metadata says where the "
        "nonzeros are. The product of two activations stores none.",
        legend=(("accent", "values"), ("warm", "metadata")),
        svg=figure(_names(estimate), draw, "weights", "Stacked bars: value and metadata bits of each layer"),
        tall=is_tall(len(layers)),
    )
