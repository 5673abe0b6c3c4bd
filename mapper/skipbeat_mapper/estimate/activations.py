"""Bounds on what zeros among activations would save, from their density in each layer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil

from skipbeat_arch.activation_bounds import ActivationBound
from skipbeat_arch.errors import InputError
from skipbeat_arch.estimate import Bound, Estimate, LayerEstimate

#: The component of energy that a gated multiplier saves.
_GATED = "macs"


def check_layers(densities: Mapping[str, float], layers: Iterable[str]) -> None:
    """That each density is one of these layers', before the work of pricing them.

    Raises:
        InputError: a name that no layer has.
    """
    names = list(layers)
    known = {*names, *(name.partition("/")[2] for name in names)}
    unknown = next((name for name in densities if name not in known), None)
    if unknown is not None:
        raise InputError(f"activations {unknown}: expected the name of a layer, such as {next(iter(names), 'none')}")


def activation_bounds(estimate: Estimate, densities: Mapping[str, float]) -> tuple[ActivationBound, ...]:
    """A bound for each layer that has a density, in the order of the layers.

    Zeros of activations are taken to meet zero weights as often as others. A layer cannot get quicker than what it
    waits for besides: memory, decoder and output stage.

    Args:
        densities: by layers' names, which may lack a phase (`prefill/`).

    Raises:
        InputError: a name that no layer has.
    """
    names = {layer.name: layer for layer in estimate.layers if layer.layer}
    check_layers(densities, names)
    found = []
    for name, layer in names.items():
        density = densities.get(name, densities.get(name.partition("/")[2]))
        if density is not None:
            found.append(_bound(layer, density))
    return tuple(found)


def _bound(layer: LayerEstimate, density: float) -> ActivationBound:
    bounds = layer.cost.schedule.bounds
    others = max((clocks for bound, clocks in bounds.items() if bound is not Bound.COMPUTE), default=0)
    fewest = max(others, ceil(bounds.get(Bound.COMPUTE, layer.cost.cycles) * density))
    energy = sum(layer.energy_pj.values())
    return ActivationBound(
        layer=layer.name,
        density=density,
        macs=(layer.macs, ceil(layer.macs * density)),
        cycles=(layer.cost.cycles, min(layer.cost.cycles, fewest)),
        energy_pj=(energy, energy - layer.energy_pj.get(_GATED, 0.0) * (1 - density)),
    )
