"""Contextual sparsity: of a layer's weight only the rows that a token needs are fetched and multiplied.

Liu and others, "Deja Vu: Contextual Sparsity for Efficient LLMs at Inference Time", ICML 2023. Which rows these are
depends on data: here they are evenly spread, and the same for all sequences of a batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from math import ceil
from pathlib import Path

import numpy as np

from skipbeat_arch.arrays import BoolArray
from skipbeat_arch.errors import InputError
from skipbeat_arch.files import parse_json, read_text
from skipbeat_arch.model import LayerKind, LayerPart, ModelDescription, ModelLayer, WeightZeros
from skipbeat_arch.workload import Gemm

from .runs import layer_runs

EXPECTED = "expected LAYER=SHARE with commas between them, such as up_proj=0.25, or a .json file {LAYER: SHARE}"


@dataclass(frozen=True, kw_only=True)
class ActiveRows:
    """Shares of rows.

    Attributes:
        name: as a reader gave it.
        shares: above 0 and at most 1, by a part of layers' names; of several the longest counts.
    """

    name: str
    shares: Mapping[str, float]

    @classmethod
    def read(cls, given: str) -> ActiveRows:
        """A rule, or a file.

        Raises:
            InputError: it is something else, or cannot be read.
        """
        what = f"active rows {given}"
        if given.endswith(".json"):
            found = parse_json(read_text(Path(given), what), what)
        else:
            pairs = [part.strip().rpartition("=") for part in given.split(",")]
            found = {name: _number(share) for name, _, share in pairs}
        good = isinstance(found, dict) and "" not in found
        if not found or not good or not all(_is_share(share) for share in found.values()):
            raise InputError(f"{what}: {EXPECTED}; shares are above 0 and at most 1")
        return cls(name=given, shares=found)

    def share(self, layer: str) -> float | None:
        """Of a layer; None: none is stated."""
        known = max((name for name in self.shares if name in layer), key=len, default=None)
        return None if known is None else self.shares[known]


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


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _is_share(share: object) -> bool:
    return isinstance(share, int | float) and not isinstance(share, bool) and 0 < share <= 1
