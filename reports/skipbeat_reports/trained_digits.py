"""What a training in integers found, in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TextIO

from .console import make_console, print_table
from .numbers import MISSING, count, percent, printable

_TITLES = ("layer", "forward", "backward", "update", "kept ahead", "kept back", "Y clipped", "dX clipped")
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
