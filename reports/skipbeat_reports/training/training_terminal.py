"""The price of a training step in the terminal: layers, roles, totals beside their limit, and assumptions."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, TextIO

from skipbeat_arch.training_estimate import RoleCost, StepCost, TrainingEstimate
from skipbeat_arch.training_model import Training

from ..console import make_console, print_table
from ..numbers import MISSING, bits, count, duration, energy, percent, printable, ratio
from . import training_figures as figures

if TYPE_CHECKING:
    from rich.console import Console


def print_training(estimate: TrainingEstimate, file: TextIO | None = None) -> None:
    """Print everything to `file` (standard output). Nothing but text is written unless it is a terminal."""
    console = make_console(file)
    title = f"a training step of {printable(estimate.model)} on {printable(estimate.hardware)}"
    how = "" if estimate.training is Training.BACKPROPAGATION else ", forward passes only"
    _say(console, f"{title}, batch {count(estimate.batch)}{how}")
    for step in estimate.steps:
        console.print()
        share = f"{percent(step.share)} of the steps: " if len(estimate.steps) > 1 else ""
        _say(console, f"{share}{printable(figures.patterns(step))}")
        _layers(console, step)
        _roles(console, step)
        _traffic(console, step)
    console.print()
    _totals(console, estimate)
    console.print()
    for assumption in estimate.assumptions:
        _say(console, f"assumption: {printable(assumption)}", indent=2)


def _layers(console: Console, step: StepCost) -> None:
    """Clocks of every layer by its role, and the speed-up of each."""
    roles = [role for role in figures.ARRAY_ROLES if step.of(role).cycles]
    titles = [
        "layer",
        "kind",
        *(title for role in roles for title in (str(role), "×")),
        "together",
        "dense",
        "speed-up",
    ]
    rows = []
    for layer in step.layers:
        cells = [printable(layer.name), layer.kind]
        for role in roles:
            cost = figures.role_of(layer, role)
            cells += [MISSING, MISSING] if cost is None else [count(cost.cycles), _speedup(cost)]
        rows.append([*cells, count(layer.cycles), count(layer.cycles_dense), _ratio(layer.cycles, layer.cycles_dense)])
    sums = [text for role in roles for text in (count(step.of(role).cycles), _speedup(step.of(role)))]
    whole = step.array
    footer = ["total", "", *sums, count(whole.cycles), count(whole.cycles_dense), _speedup(whole)]
    print_table(console, titles, rows, texts=range(2), footer=footer)
    for note in dict.fromkeys(layer.note for layer in step.layers if layer.note):
        names = [printable(layer.name) for layer in step.layers if layer.note == note]
        more = f" and {len(names) - 3} others" if len(names) > 4 else ""
        _say(console, f"{', '.join(names[:3] if more else names)}{more}: {note}")


def _roles(console: Console, step: StepCost) -> None:
    """Clocks, bytes and energy by role, beside the formula of an output-stationary array."""
    titles = ["part", "dense cycles", "cycles", "speed-up", "DRAM", "energy", "output-stationary", "dense"]
    rows = [_role_cells(str(cost.role), cost) for cost in figures.roles(step)]
    print_table(console, titles, rows, footer=_role_cells("total", step.of()))


def _role_cells(name: str, cost: RoleCost) -> list[str]:
    array = cost.output_stationary
    return [
        name,
        count(cost.cycles_dense),
        count(cost.cycles),
        _speedup(cost),
        bits(8 * (cost.read_bytes + cost.written_bytes)),
        energy(cost.energy_pj),
        count(array) if array else MISSING,
        count(cost.output_stationary_dense) if array else MISSING,
    ]


def _traffic(console: Console, step: StepCost) -> None:
    """A line for everything that optimiser and host move."""
    rows = [
        [
            printable(each.what),
            str(each.cost.role),
            bits(8 * each.cost.read_bytes),
            bits(8 * each.cost.written_bytes),
            count(each.cost.cycles),
        ]
        for each in step.traffic
    ]
    print_table(console, ["optimiser and host", "by", "read", "written", "cycles"], rows, texts=range(2))


def _totals(console: Console, estimate: TrainingEstimate) -> None:
    """The speed-ups of the mean step, their limit, and what was published."""
    rows = [
        [line.name, count(round(line.clocks.dense)), count(round(line.clocks.cycles)), ratio(line.clocks.speedup)]
        for line in figures.lines(estimate)
    ]
    print_table(console, ["mean step", "dense cycles", "cycles", "speed-up"], rows)
    for line in figures.lines(estimate):
        _say(console, f"{line.name}: {line.explanation}", indent=2)
    work = ", ".join(dict.fromkeys(ratio(step.work_limit) for step in estimate.steps))
    _say(
        console,
        f"limit: {ratio(estimate.limit)} if all products were equally large and nothing else took time; {work} by the "
        "products that are left out, with layers that stay dense",
        indent=2,
    )
    _say(console, f"published: {ratio(figures.PUBLISHED)}, {figures.PUBLISHED_SOURCE}", indent=2)
    clocks = round(estimate.in_turn.cycles)
    rate = duration(clocks, estimate.clock_mhz)
    _say(
        console, f"time: {rate} at {estimate.clock_mhz:g} MHz ({estimate.clock_source}), one after the other", indent=2
    )
    both = f"{energy(estimate.energy_pj)} instead of {energy(estimate.energy_dense_pj)} dense"
    _say(console, f"energy: {both}; table: {printable(estimate.energy_table)}", indent=2)


def _speedup(cost: RoleCost) -> str:
    return _ratio(cost.cycles, cost.cycles_dense)


def _ratio(cycles: int, dense: int) -> str:
    return ratio(figures.speedup(cycles, dense))


def _say(console: Console, text: str, indent: int = 0) -> None:
    for line in wrap(text, console.width, subsequent_indent=" " * min(indent, console.width // 3)):
        console.print(line, crop=False, soft_wrap=True)
