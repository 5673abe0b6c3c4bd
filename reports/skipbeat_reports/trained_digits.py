"""What a training in integers found, in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TextIO

from .console import make_console, print_table
from .numbers import MISSING, count, percent, printable

if TYPE_CHECKING:
    from rich.console import Console

_TITLES = ("layer", "forward", "backward", "update", "kept ahead", "kept back", "Y clipped", "dX clipped")
_RUN = {
    "programs": "programs",
    "rtl_cycles": "RTL cycles",
    "model_cycles": "model cycles",
    "timing_cycles": "timing cycles",
}
_VERDICTS = {True: "Every sum, weight, momentum, mask and clock agrees.", False: "NO AGREEMENT"}
_SHARES = ("kept_forward", "kept_backward", "clipped_activations", "clipped_gradients")


def print_training(report: Mapping[str, Any], file: TextIO | None = None) -> None:
    """Print what `skipbeat train --json` has, to `file` (standard output)."""
    console = make_console(file)
    stretches = [
        [count(each["steps"]), f"{each['loss']:.4f}", percent(each["accuracy"])] for each in report["stretches"]
    ]
    print_table(console, ("steps", "loss", "accuracy"), stretches, texts=())
    console.print()
    rows = [
        [printable(layer["name"]), layer["forward"], layer["backward"], layer["update"], *map(layer.get, _SHARES)]
        for layer in report["layers"]
    ]
    cells = [[*row[:4], *(MISSING if share is None else percent(share, 2) for share in row[4:])] for row in rows]
    print_table(console, _TITLES, cells, texts=range(4))
    console.print()
    host = ", ".join(f"{times} {printable(name)}" for name, times in report["host_operators"].items())
    model, hardware = (printable(report[key]) for key in ("model", "hardware"))
    steps, batch, padding, tests = (count(report[key]) for key in ("steps", "batch", "padded_images", "test_images"))
    for line in (
        f"{model} on {hardware}, seed {report['seed']}: {steps} steps of {batch} images, {padding} of padding",
        f"accuracy on {tests} test images: {percent(report['accuracy'])}",
        f"Left to the host in each step: {host}",
    ):
        console.print(line, soft_wrap=True)
    if report["machine"] is not None:
        _print_machine(console, report["machine"], report["steps"])


def _print_machine(console: Console, machine: Mapping[str, Any], steps: int) -> None:
    """The programs that made the products of all steps, and what the host did around them."""
    console.print()
    rows = [
        [printable(row["layer"]), row["product"], *(MISSING if row[key] is None else count(row[key]) for key in _RUN)]
        for row in machine["products"]
    ]
    print_table(console, ("layer", "product", *_RUN.values()), rows, texts=range(2))
    console.print()
    host = ", ".join(f"{name} {count(moved)}" for name, moved in machine["host_bytes"].items())
    levels = [
        f"{name} {count(machine[key])}"
        for key, name in (("rtl_cycles", "RTL"), ("model_cycles", "cycle model"), ("timing_cycles", "timing model"))
        if machine[key] is not None
    ]
    for line in (
        f"Clocks of the {count(machine['programs'])} programs of all {count(steps)} steps: {', '.join(levels)}",
        f"Left to the host by the modules' definitions, in bytes of each step: {host}",
        _VERDICTS[machine["agrees"]],
    ):
        console.print(line, soft_wrap=True)
