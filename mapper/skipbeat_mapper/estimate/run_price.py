"""The price of a run of nodes."""

from __future__ import annotations

from dataclasses import dataclass

from skipbeat_arch.estimate import LayerCost

from .phases import Phase


@dataclass(frozen=True, kw_only=True)
class RunPrice:
    """A run's program.

    Attributes:
        cycles: of one run. costs: of each node; their cycles add up to the run's.
        names: of the nodes. kinds: what they are where no layer of the model is behind them; shapes: as a reader knows
            them.
        phases: when the engines were at work.
    """

    cycles: int
    costs: tuple[LayerCost, ...]
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    shapes: tuple[str, ...]
    phases: tuple[Phase, ...]
