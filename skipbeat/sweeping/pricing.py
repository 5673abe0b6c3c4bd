"""One point of a study, priced: in this process, in a worker of this machine, or in one of a cluster."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from skipbeat_arch.area_model import RESOURCES, area_of
from skipbeat_arch.errors import InputError, described
from skipbeat_arch.files import read_text
from skipbeat_arch.model import ModelDescription
from skipbeat_arch.provenance import description_fingerprint, source_of
from skipbeat_arch.yaml_file import parse_mapping
from skipbeat_mapper.estimate import estimate_model, shared_prices
from skipbeat_models.scheme import Scheme
from skipbeat_models.sources import load_source
from skipbeat_reports.estimate import figures, layer_rows

from ..results import provenance
from .kept_weights import kept_share
from .points import Point
from .study_file import StudyModel


@dataclass(frozen=True, kw_only=True)
class Priced:
    """What came of a point.

    Attributes:
        refused: why it has no price: a layer that does not fit, a model that cannot be read; None if it has one.
        values: of the objectives, in order. facts: more of it, for the table. layers: a row each, for its report.
        provenance: of the price.
    """

    key: str
    refused: str | None = None
    values: tuple[float, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    layers: tuple[Mapping[str, Any], ...] = ()
    provenance: Mapping[str, Any] | None = None


def price(point: Point) -> Priced:
    """Price a point; what is wrong with its model, scheme or hardware is its result, not an error."""
    try:
        return _price(point)
    except InputError as error:
        return Priced(key=point.key, refused=str(error))


def _price(point: Point) -> Priced:
    description = _description(point.model, point.scheme, point.seed)
    found = estimate_model(
        description, point.hardware, table_name=point.table, kept=shared_prices(), effort=point.effort
    )
    if found.unpriced:
        raise InputError(f"model {point.model.source}: {len(found.unpriced)} operators are not priced")
    source = source_of(point.model.source, description)
    made = provenance(seed=point.seed, hardware=point.hardware, scheme=point.scheme, source=source)
    found = replace(found, provenance=made)
    facts = {
        "cycles": found.cycles,
        "cycles_dense": found.cycles_dense,
        "speedup": figures.speedup(found),
        "latency_ms": figures.latency_ms(found),
        "clock_mhz": found.clock_mhz,
        "clock_source": found.clock_source,
        "effort": str(found.effort),
        "energy_uj": found.energy_uj,
        "utilization": found.utilization,
        "dram_bytes": figures.total_dram_bytes(found),
        "macs": found.macs,
        "pes": found.pes,
        "hardware": found.hardware,
        "fingerprint": description_fingerprint(point.hardware),
        "digest": source.digest,
    }
    if not set(RESOURCES).isdisjoint(point.objectives):
        area = area_of(point.hardware)
        facts |= {**area.cells, "area_source": "measured" if area.measured else "fitted"}
    return Priced(
        key=point.key,
        values=tuple(_objective(name, point, facts) for name in point.objectives),
        facts=facts,
        layers=tuple(_short(row) for row in layer_rows(found)),
        provenance=made.to_json(),
    )


def _short(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("name", "pattern", "bound", "cycles", "cycles_dense", "utilization", "dram_bytes", "energy_pj")
    return {name: row[name] for name in kept}


def _objective(name: str, point: Point, facts: Mapping[str, Any]) -> float:
    if name == "accuracy":
        return _accuracy(point)
    if name == "kept":
        return kept_share(point.model.source, point.scheme, point.seed)
    if name in RESOURCES:
        return float(area_of(point.hardware).cells[name])
    of = {"clocks": facts["cycles"], "seconds": facts["latency_ms"] / 1e3, "energy": facts["energy_uj"]}
    return float(of[name])


@lru_cache(maxsize=8)
def _description(model: StudyModel, scheme: Scheme | None, seed: int) -> ModelDescription:
    """The layers of a model; the next points are mostly of the same on other hardware."""
    return load_source(
        model.source,
        scheme=scheme,
        seed=seed,
        tokens=model.tokens,
        batch=model.batch,
        checkpoint=None if model.checkpoint is None else Path(model.checkpoint),
    )


def _accuracy(point: Point) -> float:
    """A number of the user's file, or what the user's function returns."""
    where = str(point.accuracy)
    if Path(where).suffix in {".yaml", ".yml"}:
        table = parse_mapping(read_text(where, f"accuracy {where}"), f"accuracy {where}")
        of_model = table.get(point.model.label)
        value = of_model.get(_name(point.scheme)) if isinstance(of_model, dict) else None
        expected = f"expected a number for {point.model.label}: {_name(point.scheme)}"
    else:
        value = _function(where)(point.model.source, None if point.scheme is None else point.scheme.to_json())
        expected = "expected it to return a number"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"accuracy {where}: {expected}, not {type(value).__name__}")
    return float(value)


def _name(scheme: Scheme | None) -> str:
    return "as it is" if scheme is None else str(scheme)


def _function(name: str) -> Any:
    module, _, function = name.partition(":")
    try:
        return getattr(importlib.import_module(module), function)
    except (Exception, SystemExit) as error:  # the user's module may raise anything while it is imported
        raise InputError(f"accuracy {name}: expected module:function: {described(error)}") from None


def as_json(priced: Priced) -> dict[str, Any]:
    """What a storage keeps of a point."""
    return asdict(priced)
