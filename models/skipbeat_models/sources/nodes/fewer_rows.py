"""A model whose layers fetch and multiply only the rows of their weights that a token needs.

Which rows these are depends on data: here they are evenly spread, and the same for all sequences of a batch.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from math import ceil

import numpy as np

from skipbeat_arch.arrays import BoolArray
from skipbeat_arch.errors import InputError
from skipbeat_arch.model import LayerKind, LayerPart, ModelDescription, ModelLayer, WeightZeros
from skipbeat_arch.workload import Gemm

from ..layers.active_rows import ActiveRows
from .runs import layer_runs


def with_active_rows(found: ModelDescription, active: ActiveRows) -> ModelDescription:
    """A model of which the layers that compute one token of each sequence compute some rows alone.

    Raises:
        InputError: there is no such layer, or one is in a program with nodes that are no layers, such as pooling.
    """
    changed = {layer.name: new for layer in found.layers if (new := _changed(layer, found.batch, active)) is not None}
    if not changed:
        raise InputError(
            f"active rows {active.name}: model {found.name} has no linear layer of one token whose name has one of "
            f"{', '.join(active.shares)} in it"
        )
    layers = {layer.name: changed.get(layer.name, layer) for layer in found.layers}
    runs = []
    for run in found.runs:
        if not changed.keys() & set(run.layers):
            runs.append(run)
            continue
        if None in run.layers:
            raise InputError(f"active rows {active.name}: {run.names[0]} and its rows are in one program with pooling")
        runs += [part for name in run.layers if name is not None for part in layer_runs(layers[name])]
    note = (
        f"{len(changed)} layers of one token compute the rows of {active.name} alone, each in a program of its own: "
        "which rows these are is known before, they are evenly spread and the same for all sequences of a batch, and "
        "to find and gather them costs nothing"
    )
    return replace(found, layers=tuple(layers.values()), runs=tuple(runs), notes=(*found.notes, note))


def _changed(layer: ModelLayer, batch: int, active: ActiveRows) -> ModelLayer | None:
    share = active.share(layer.name)
    if share is None or layer.kind is not LayerKind.LINEAR or not layer.stored or len(layer.parts) != 1:
        return None
    (part,) = layer.parts
    work = part.workload
    if not isinstance(work, Gemm) or work.p > batch or part.in_turn or layer.whole is not None:
        return None
    rows = ceil(work.k * share)
    if rows == work.k:
        return None
    zeros = WeightZeros(key=(part.weight.key, "rows", rows), nonzero=partial(_rows, part.weight, rows))
    return replace(
        layer,
        parts=(LayerPart(workload=replace(work, k=rows), weight=zeros, repeats=part.repeats),),
        shape=f"{layer.shape}, {rows} of {work.k} rows",
        density=layer.density * rows / work.k,
        whole=part,
    )


def _rows(weight: WeightZeros, count: int) -> BoolArray:
    """The zeros [C, count] of rows that are evenly spread."""
    nonzero = weight.nonzero()
    return nonzero[..., np.arange(count) * nonzero.shape[-1] // count]
