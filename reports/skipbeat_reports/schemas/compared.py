"""The JSON of `skipbeat compare`."""

from __future__ import annotations

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
