"""Whether a result can be what a run found: its numbers are not negative, and its parts add up to its totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain
from math import isclose
from typing import Any

from skipbeat_arch.errors import one_line

from ..schemas.estimated import EstimateResult
from ..schemas.trained import TrainEstimateResult

#: No count and no energy of a run is beyond it; larger whole numbers are no floats either.
_LARGEST = 10**24
#: What two sums of the same floats may differ by, in another order.
_TOLERANCE = 1e-6


def contradiction(result: EstimateResult | TrainEstimateResult) -> str | None:
    """The first thing that cannot be, in a line that names its key; None if all of it can be so."""
    sums = _estimate_sums(result) if isinstance(result, EstimateResult) else _training_sums(result)
    return next(chain(_numbers(result), sums), None)


def _numbers(result: EstimateResult | TrainEstimateResult) -> Iterator[str]:
    """Numbers of the result itself that are below zero, beyond all bounds, or zero where nothing would run."""
    for path, value in _leaves(result.model_dump(exclude={"provenance"}), ()):
        if not 0 <= value <= _LARGEST:
            yield f"{'.'.join(path)}: expected a number from 0 to {_LARGEST:g}, not {one_line(repr(value), 40)}"
    for what, value in (("clock_mhz", result.clock_mhz), ("pes", result.pes), ("batch", result.batch)):
        if value == 0:
            yield f"{what}: expected more than 0"


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], int | float]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _leaves(inner, (*path, str(number)))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, value


def _estimate_sums(result: EstimateResult) -> Iterator[str]:
    layers, total = result.layers, result.total
    for number, layer in enumerate(layers):
        yield from _differs(f"layers.{number}.cycles", layer.cycles, sum(layer.clocks.values()), "its clocks by cause")
    yield from _twice(layer.name for layer in layers)
    for what, said, found in (
        ("cycles", total.cycles, sum(layer.cycles for layer in layers)),
        ("cycles_dense", total.cycles_dense, sum(layer.cycles_dense for layer in layers)),
        ("macs", total.macs, sum(layer.macs for layer in layers)),
        ("dram_bytes", total.dram_bytes, sum(layer.dram_read_bytes + layer.dram_written_bytes for layer in layers)),
        ("energy_uj", total.energy_uj, sum(layer.energy_pj for layer in layers) / 1e6),
    ):
        yield from _differs(f"total.{what}", said, found, "the layers")


def _training_sums(result: TrainEstimateResult) -> Iterator[str]:
    cycles = energy = 0.0
    for number, step in enumerate(result.steps):
        for place, layer in enumerate(step.layers):
            clocks = sum(role.cycles for role in layer.roles)
            yield from _differs(f"steps.{number}.layers.{place}.cycles", layer.cycles, clocks, "its roles")
        costs = [*(role for layer in step.layers for role in layer.roles), *step.traffic]
        cycles += step.share * sum(cost.cycles for cost in costs)
        energy += step.share * sum(cost.energy_pj for cost in costs)
    yield from _differs("total.in_turn.cycles", result.total.in_turn.cycles, cycles, "the steps")
    yield from _differs("total.energy_pj", result.total.energy_pj, energy, "the steps")


def _differs(what: str, said: float, found: float, of: str) -> Iterator[str]:
    """The line, if a sum is another one; whole numbers are compared exactly."""
    whole = isinstance(said, int) and isinstance(found, int)
    if said != found and (whole or not isclose(said, found, rel_tol=_TOLERANCE)):
        yield f"{what}: expected the sum of {of}, {found:,}, not {said:,}"


def _twice(names: Iterator[str]) -> Iterator[str]:
    for name, times in Counter(names).items():
        if times > 1:
            yield f"layers: expected each name once, not {times} times {name}"
