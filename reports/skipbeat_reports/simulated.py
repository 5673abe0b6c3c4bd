"""What a simulation of a network found, in the terminal: layers, what agrees, and the performance counters."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from .console import make_console, print_table
from .numbers import MISSING, count, printable

if TYPE_CHECKING:
    from rich.console import Console

_CYCLES = {
    "RTL cycles": "rtl_cycles",
    "model cycles": "model_cycles",
    "timing cycles": "timing_cycles",
    "core's steps": "steps",
}
_VERDICTS = {
    True: "Everything that ran agrees.",
    False: "NO AGREEMENT",
    None: "Nothing ran but the timing model: there was nothing to compare.",
}


def print_simulation(report: Mapping[str, Any], file: TextIO | None = None) -> None:
    """Print what `skipbeat simulate --json` has, to `file` (standard output)."""
    console = make_console(file)
    layers = [
        [printable(layer["name"]), layer["bound"], count(layer["bounds"][layer["bound"]]), *_cycles(layer)]
        for layer in report["layers"]
    ]
    _print(console, ["layer", "bound", "least", *_CYCLES], layers, texts=range(2))
    facts = {name: value for name, value in report.items() if name not in ("layers", "counters", "host_operators")}
    _print(console, ["run", ""], [[name, _fact(name, value)] for name, value in facts.items()], texts=range(2))
    counters = [[name, count(value)] for name, value in report["counters"].items()]
    _print(console, ["counter", "of the first run"], counters)
    if host := report.get("host_operators"):
        named = ", ".join(f"{times} {printable(name)}" for name, times in host.items())
        console.print(f"Left to the host, for each input, in float64: {named}", soft_wrap=True)
    console.print(_VERDICTS[report["agrees"]])


def _print(
    console: Console, titles: Sequence[str], rows: Sequence[Sequence[str]], *, texts: Collection[int] = (0,)
) -> None:
    print_table(console, titles, rows, texts=texts)
    console.print()


def _cycles(layer: Mapping[str, Any]) -> list[str]:
    return [MISSING if layer[name] is None else count(layer[name]) for name in _CYCLES.values()]


def _fact(name: str, value: object) -> str:
    if value is None:
        return MISSING
    if isinstance(value, float):
        return f"{value:,.3f}"
    counted = isinstance(value, int) and not isinstance(value, bool) and name != "seed"
    return f"{value:,}" if counted else printable(str(value))
