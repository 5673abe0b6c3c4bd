"""An estimate in the terminal: layers, limits, references, energy, host operators and assumptions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from textwrap import wrap
from typing import TYPE_CHECKING, TextIO

from skipbeat_arch.arguments import expect
from skipbeat_arch.estimate import Estimate, LayerEstimate
from skipbeat_arch.model import KeptMagnitude

from ..console import make_console, print_table
from ..numbers import MISSING, bits, count, duration, energy, percent, printable, quantity, ratio, shorten_all
from . import figures
from .activations import print_activations
from .iso import print_iso
from .unpriced import unpriced_lines

if TYPE_CHECKING:
    from rich.console import Console

#: Terminals narrower than these do without some of the columns.
_MEDIUM = 96
_WIDE = 116
_FULL = 160
_SHORTEST_NAME = 12

_Cell = Callable[[LayerEstimate, int], str]
#: Title, from which width on, how a layer's cell is written; text columns first.
_COLUMNS: tuple[tuple[str, int, _Cell], ...] = (
    ("kind", _FULL, lambda layer, _: printable(layer.kind)),
    ("shape", _FULL, lambda layer, _: printable(layer.shape)),
    ("pattern", 0, lambda layer, _: printable(layer.pattern)),
    ("bound", _MEDIUM, lambda layer, _: str(layer.cost.bound)),
    ("density", _WIDE, lambda layer, _: percent(layer.density)),
    ("dense cycles", _WIDE, lambda layer, _: count(layer.cycles_dense)),
    ("cycles", 0, lambda layer, _: count(layer.cost.cycles)),
    ("speed-up", 0, lambda layer, _: ratio(figures.speedup(layer))),
    ("limit", 0, lambda layer, _: ratio(layer.speedup_limit)),
    ("util.", 0, lambda layer, pes: percent(figures.utilization(layer, pes))),
    ("DRAM", _WIDE, lambda layer, _: bits(8 * figures.dram_bytes(layer))),
    ("weights", _FULL, lambda layer, _: bits(figures.weight_bits(layer))),
    ("metadata", _FULL, lambda layer, _: bits(layer.cost.metadata_bits)),
    ("energy", 0, lambda layer, _: energy(figures.energy_pj(layer))),
)
_TEXTS = ("kind", "shape", "pattern", "bound")


def print_estimate(estimate: Estimate, file: TextIO | None = None) -> None:
    """Print everything to `file` (standard output). Nothing but text is written unless it is a terminal.

    Raises:
        InputError: it is no estimate.
    """
    expect("estimate", estimate, Estimate, "what `skipbeat.estimate` returns")
    console = make_console(file)
    title = f"{printable(estimate.model)} on {printable(estimate.hardware)}, batch {count(estimate.batch)}"
    _item(console, "", title, hang=2)
    for line in unpriced_lines(estimate):
        _item(console, "", line, hang=2)
    _blank(console)
    _print_layers(console, estimate)
    kept = () if figures.kept(estimate) is None else (_kept,)
    more = (*(() if estimate.iso is None else (print_iso,)), *((print_activations,) if estimate.activations else ()))
    for part in (_cycles, _speedup, *kept, _references, *more, _energy, _host_operators, _assumptions):
        _blank(console)
        part(console, estimate)


def _print_layers(console: Console, estimate: Estimate) -> None:
    kept = [column for column in _COLUMNS if console.width >= column[1]]
    titles = ["layer", *(title for title, _, _ in kept)]
    totals = _totals(estimate)
    footer = [totals.get(title, "") for title in titles[1:]]
    text = 10 if console.width < _WIDE else 12 if console.width < _FULL else console.width
    rows = [
        [_short(cell(layer, estimate.pes), text if title in _TEXTS else console.width) for title, _, cell in kept]
        for layer in estimate.layers
    ]
    # What the other columns leave, with two characters between columns; numbers are never cut.
    others = sum(2 + max(map(len, column)) for column in zip(titles[1:], footer, *rows, strict=True))
    names = shorten_all(
        [printable(layer.name) for layer in estimate.layers], max(_SHORTEST_NAME, console.width - others - 2)
    )
    print_table(
        console,
        titles,
        [[name, *row] for name, row in zip(names, rows, strict=True)],
        texts=range(1 + sum(title in _TEXTS for title in titles)),
        footer=["total", *footer],
    )


def _short(text: str, length: int) -> str:
    return shorten_all([text], length)[0]


def _totals(estimate: Estimate) -> dict[str, str]:
    layers = estimate.layers
    return {
        "dense cycles": count(estimate.cycles_dense),
        "cycles": count(estimate.cycles),
        "speed-up": ratio(figures.speedup(estimate)),
        "limit": ratio(figures.amdahl_limit(estimate)),
        "util.": percent(estimate.utilization),
        "DRAM": bits(8 * figures.total_dram_bytes(estimate)),
        "weights": bits(figures.total_weight_bits(estimate)),
        "metadata": bits(sum(layer.cost.metadata_bits for layer in layers)),
        "energy": energy(1e6 * estimate.energy_uj),
    }


def _cycles(console: Console, estimate: Estimate) -> None:
    """The three totals: layers, programs, and programs with the host."""
    between = estimate.cycles - estimate.layer_cycles
    _item(console, f"{'layers only':<14}", f"{count(estimate.layer_cycles)} cycles")
    _item(
        console,
        f"{'as run':<14}",
        f"{count(estimate.cycles)} cycles: with {count(between)} for pooling and additions that no layer takes over",
    )
    _item(console, f"{'with the host':<14}", host_sentence(estimate))


def host_sentence(estimate: Estimate) -> str:
    """What the host adds at its stated rate, and the rate at which it takes half of the time."""
    host = estimate.host
    rate = figures.balanced_rate(estimate)
    if rate is None:
        return "nothing is left to it"
    half = f"at {rate:.3g} elements per clock it takes half of the time"
    work = f"{count(host.elements)} elements, {bits(8 * host.bytes)}"
    if estimate.host_cycles is None:
        return f"no rate is stated (host.elements_per_clock) for its {work}: {half}"
    return f"{count(estimate.host_cycles)} cycles: {work} at {host.elements_per_clock:g} per clock; {half}"


def _speedup(console: Console, estimate: Estimate) -> None:
    rate = figures.throughput_per_s(estimate)
    for label, text in (
        ("speed-up", f"{ratio(figures.speedup(estimate))} over dense on the same array"),
        (
            "limit",
            f"{ratio(figures.amdahl_limit(estimate))} if every layer reached its own (Amdahl: what stays dense takes "
            f"{percent(figures.dense_share(estimate))} of the dense cycles)",
        ),
        (
            "work skipped",
            f"{ratio(figures.work_limit(estimate))}: {count(estimate.macs)} of {count(estimate.macs_dense)} "
            "multiply-accumulates have a nonzero int8 weight",
        ),
        (
            "time",
            f"{duration(estimate.cycles, estimate.clock_mhz)} at {estimate.clock_mhz:g} MHz ({estimate.clock_source}), "
            f"{MISSING if rate is None else quantity(rate)} per second",
        ),
    ):
        _item(console, f"{label:<14}", text)


def _kept(console: Console, estimate: Estimate) -> None:
    """What pruning keeps of the weights, with and without permuted channels."""

    def shares(kept: KeptMagnitude) -> list[str]:
        return [percent(kept.natural_share, 2), percent(kept.permuted_share, 2)]

    total = figures.kept(estimate)
    assert total is not None
    rows = [
        [_short(printable(layer.name), console.width // 2), *shares(layer.kept)]
        for layer in estimate.layers
        if layer.kept is not None
    ]
    titles = ["magnitude kept", "in their order", "channels permuted"]
    print_table(console, titles, rows, footer=["total", *shares(total)])


def _references(console: Console, estimate: Estimate) -> None:
    if not estimate.references:
        return
    rows = []
    for other in estimate.references:
        dense = MISSING if other.cycles_dense is None else count(other.cycles_dense)
        against = ratio(other.cycles / estimate.cycles if estimate.cycles else None)
        rows.append([printable(other.name), dense, count(other.cycles), against])
    print_table(console, ["compared with", "dense cycles", "cycles", "against ours"], rows)
    for other in estimate.references:
        _item(console, f"{printable(other.name)}: ", printable(other.explanation), hang=2)


def _energy(console: Console, estimate: Estimate) -> None:
    parts = figures.energy_by_component(estimate.layers)
    whole = sum(parts.values())
    rows = [
        [printable(component), energy(part), percent(part / whole if whole else 0.0)]
        for component, part in parts.items()
    ]
    print_table(console, ["component", "energy", "share"], rows, footer=["total", energy(1e6 * estimate.energy_uj), ""])
    dram = estimate.dram
    _item(console, "table: ", printable(estimate.energy_table), hang=2)
    _item(
        console,
        "DRAM range: ",
        f"{energy(1e6 * dram.low_uj)} in all at {dram.low_pj_per_bit:g} pJ per bit, "
        f"{energy(1e6 * dram.high_uj)} at {dram.high_pj_per_bit:g}, the lowest and highest published "
        f"({printable(dram.source)})",
        hang=2,
    )


def _host_operators(console: Console, estimate: Estimate) -> None:
    if not estimate.host_operators:
        _say(console, "no operators are left to the host")
        return
    rows = [
        [printable(operator), "output stage" if fused else "host", count(places), count(elements)]
        for operator, fused, places, elements in _by_operator(estimate)
    ]
    _item(
        console,
        "",
        "operators that the array does not run; what the host does is in no cycle and no energy of the table above",
    )
    print_table(console, ["operator", "done by", "places", "elements"], rows, texts=range(2))


def _by_operator(estimate: Estimate) -> Iterator[tuple[str, bool, int, int]]:
    """Operator, fused, places and elements of the results; the host's first, the most elements first."""
    sums: dict[tuple[str, bool], tuple[int, int]] = {}
    for _, operator, elements, times, fused in estimate.host_operators:
        places, before = sums.get((operator, fused), (0, 0))
        sums[operator, fused] = (places + times, before + elements * times)
    for (operator, fused), found in sorted(sums.items(), key=lambda item: (item[0][1], -item[1][1])):
        yield operator, fused, *found


def _assumptions(console: Console, estimate: Estimate) -> None:
    for assumption in estimate.assumptions:
        _item(console, "assumption: ", printable(assumption), hang=2)


def _item(console: Console, label: str, text: str, hang: int | None = None) -> None:
    """A label and a text that goes on under itself, or `hang` columns from the left."""
    indent = " " * min(len(label) if hang is None else hang, console.width // 3)
    _say(console, *wrap(label + text, console.width, subsequent_indent=indent, drop_whitespace=True))


def _say(console: Console, *lines: str) -> None:
    for line in lines:
        console.print(line, crop=False, soft_wrap=True)


def _blank(console: Console) -> None:
    console.print()
