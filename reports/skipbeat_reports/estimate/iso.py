"""A machine beside a dense one of the same resources, in the terminal."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from skipbeat_arch.estimate import Estimate
from skipbeat_arch.iso import RESOURCES, Contender, IsoComparison

from ..console import print_table
from ..numbers import MISSING, count, duration, printable, ratio

if TYPE_CHECKING:
    from rich.console import Console

_TITLES = {"lut": "LUT", "ff": "FF", "dsp": "DSP", "bram": "block RAM"}


def print_iso(console: Console, estimate: Estimate) -> None:
    """Clocks, time and cells of both, and the speed-up for each."""
    iso = estimate.iso
    assert iso is not None
    rows = [
        ["cycles", count(iso.machine.cycles), count(iso.dense.cycles), ratio(iso.per_clock)],
        ["time", _time(iso.machine), _time(iso.dense), ratio(iso.per_second)],
        *(_cells(iso, device, resource) for device in iso.devices for resource in RESOURCES),
    ]
    print_table(console, ["iso-resource", printable(iso.machine.name), printable(iso.dense.name), "speed-up"], rows)
    for note in _notes(iso):
        for line in wrap(note, console.width, subsequent_indent="  "):
            console.print(line, crop=False, soft_wrap=True)


def _time(machine: Contender) -> str:
    return f"{duration(machine.cycles, machine.clock_mhz)} at {machine.clock_mhz:g} MHz"


def _cells(iso: IsoComparison, device: str, resource: str) -> list[str]:
    return [
        f"{_TITLES[resource]}, {device}",
        count(iso.machine.areas[device][resource]),
        count(iso.dense.areas[device][resource]),
        f"{ratio(iso.per_area(device, resource))} per {_TITLES[resource]}",
    ]


def _notes(iso: IsoComparison) -> list[str]:
    """What the columns mean, and what was not measured."""
    notes = [
        f"{printable(iso.dense.name)}: the same generator without sparsity hardware (array.group=1), same network; "
        f"clocks: {iso.machine.clock_source}, {iso.dense.clock_source}"
    ]
    if iso.per_second is None:
        notes.append(
            f"time {MISSING}: a clock is assumed, so that speed-ups per cell are per clock, not per second "
            "(skipbeat synth --top accelerator --record measures it)"
        )
    for device in iso.devices:
        if not iso.fits(device):
            notes.append(f"the dense machine is not within this one's cells on {device}")
    if not iso.devices:
        notes.append("cells: not measured for both (skipbeat synth --top accelerator --seeds 0 --record)")
    return notes
