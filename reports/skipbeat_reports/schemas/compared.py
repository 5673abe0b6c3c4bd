"""The JSON of `skipbeat compare` and `skipbeat sweep`."""

from __future__ import annotations

from typing import Any

from .part import Part, Result


class Setting(Part):
    """What a result was made with, and the first one was not."""

    what: str
    first: str
    here: str


class ComparedResult(Part):
    """A result; `quicker` is the first one's cycles over its own."""

    label: str
    model: str
    hardware: str
    cycles: int
    quicker: float | None
    latency_ms: float
    clock_source: str
    energy_uj: float
    settings: list[Setting]


class ComparedLayer(Part):
    """A layer of a further result against the first one's: what is more, clocks by cause, bytes and pJ."""

    layer: str
    result: str
    cycles: int | None
    cycles_first: int | None
    difference: int
    quicker: float | None
    causes: dict[str, int]
    read_bytes: int
    written_bytes: int
    energy_pj: float
    why: str


class CompareResult(Result):
    """Results side by side."""

    results: list[ComparedResult]
    layers: list[ComparedLayer]


class Objective(Part):
    """What a study looks for."""

    name: str
    larger_is_better: bool


class FittedResource(Part):
    """A resource: cells for each of a term, recorded machines, and relative errors of those that were left out."""

    coefficients: dict[str, float]
    rows: int
    error: float
    worst: float


class AreaModel(Part):
    """The model of the area that points have which were not synthesised."""

    device: str
    resources: dict[str, FittedResource]


class SweepResult(Result):
    """A study as far as it came.

    `points` has a row for each choice: the parameters, objectives, whether it is on the front, more facts, and
    `refused`, why it has no price.
    """

    name: str
    study: dict[str, Any]
    objectives: list[Objective]
    wanted: int
    ended: int
    area_model: AreaModel | None
    points: list[dict[str, Any]]
