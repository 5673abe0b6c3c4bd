"""What zeros among activations would save, in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skipbeat_arch.estimate import Estimate

from ..console import print_table
from ..numbers import count, energy, percent, printable

if TYPE_CHECKING:
    from rich.console import Console


def print_activations(console: Console, estimate: Estimate) -> None:
    """For each layer that was measured its density, and bounds on work, clocks and energy."""
    found = estimate.activations
    totals = [sum(pair) for pair in zip(*(each.macs + each.cycles for each in found), strict=True)]
    spent, gated = (sum(each.energy_pj[i] for each in found) for i in (0, 1))
    print_table(
        console,
        ["activations", "not zero", "products", "cycles", "at least", "energy", "gated"],
        [
            [
                printable(each.layer),
                percent(each.density),
                count(each.macs[1]),
                *map(count, each.cycles),
                *map(energy, each.energy_pj),
            ]
            for each in found
        ],
        footer=["measured", "", count(totals[1]), count(totals[2]), count(totals[3]), energy(spent), energy(gated)],
    )
    console.print("bounds: nothing skips zero activations yet; gated: multipliers that hold still for them")
