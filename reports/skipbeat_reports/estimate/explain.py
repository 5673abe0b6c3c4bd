"""How a layer runs and why: what `skipbeat estimate --explain LAYER` prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from skipbeat_arch.errors import InputError
from skipbeat_arch.estimate import Estimate, LayerEstimate, Schedule

from ..numbers import count, energy, percent, printable, ratio
from .figures import CAUSES, energy_pj, speedup


def find_layer(estimate: Estimate, name: str) -> LayerEstimate:
    """The layer of that name.

    Raises:
        InputError: there is none; the nearest names are in the message.
    """
    by_name = {layer.name: layer for layer in estimate.layers}
    if name in by_name:
        return by_name[name]
    near = get_close_matches(name, by_name, n=3, cutoff=0.4) or list(by_name)[:3]
    hint = f"such as {', '.join(map(printable, near))}" if near else "but the model has none"
    raise InputError(f"layer {printable(name)}: expected one of the model's {len(by_name)} layers, {hint}")


def explain(layer: LayerEstimate) -> str:
    """The loop nest, places, walks, bounds, where the clocks went, the encodings, the runner-up and the notes."""
    return "\n".join(_lines(layer)) + "\n"


def _lines(layer: LayerEstimate) -> Iterator[str]:
    cost, schedule = layer.cost, layer.cost.schedule
    yield f"{printable(layer.name)}: {printable(layer.kind)} {printable(layer.shape)}"
    yield f"  {printable(layer.pattern)}, {percent(layer.density)} of the int8 weights are not zero"
    yield (
        f"  {count(cost.cycles)} cycles, dense {count(layer.cycles_dense)}: {ratio(speedup(layer))}, "
        f"limit {ratio(layer.speedup_limit)}; {energy(energy_pj(layer))}"
    )
    yield ""
    yield "loops, outermost first"
    for depth, loop in enumerate(schedule.order, 1):
        yield f"{'  ' * depth}{printable(loop)}"
    yield ""
    yield "what lies where"
    yield from (f"  {printable(place)}" for place in schedule.places)
    if schedule.walks:
        yield ""
        yield "walks of the engines"
        yield from (f"  {printable(walk)}" for walk in schedule.walks)
    yield ""
    yield "at least so many clocks"
    yield from _column(
        {str(bound): clocks for bound, clocks in schedule.bounds.items()}, cost.cycles, mark=str(cost.bound)
    )
    yield ""
    yield "where each clock went"
    yield from _column({text: cost.clocks.get(cause, 0) for cause, text in CAUSES.items()}, cost.cycles)
    if schedule.encodings:
        yield ""
        yield "tiles by encoding"
        yield from _column(schedule.encodings, sum(schedule.encodings.values()))
    yield ""
    yield from _runner_up(schedule)
    if schedule.notes:
        yield ""
        yield "notes"
        yield from (f"  {printable(note)}" for note in schedule.notes)


def _column(values: Mapping[str, int], whole: int, mark: str | None = None) -> Iterator[str]:
    """Numbers under one another with their share of `whole`; zeros are left out, `mark` is the one that binds."""
    shown = {printable(name): value for name, value in values.items() if value or name == mark}
    names = max(map(len, shown), default=0)
    digits = max((len(count(value)) for value in shown.values()), default=0)
    for name, value in shown.items():
        share = f"  {percent(value / whole):>8}" if whole else ""
        yield f"  {name:<{names}}  {count(value):>{digits}}{share}{'  the bound' if name == mark else ''}"


def _runner_up(schedule: Schedule) -> Iterator[str]:
    if schedule.runner_up is None:
        yield "runner-up: no other mapping came close"
        return
    what, second, chosen = schedule.runner_up
    yield f"runner-up: {printable(what)}: alone {count(second)} cycles, the chosen one {count(chosen)}"
