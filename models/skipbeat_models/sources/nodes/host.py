"""Operators that are no layers: what a run's nodes take over, and what is left to the host."""

from __future__ import annotations

from dataclasses import replace

from skipbeat_arch.model import HostOperator

from ..graphs.graph import Operator
from ..graphs.operators import VIEWS
from .partition import Partition


class HostOperators:
    """Collects operators; equal ones with results of equal size are counted."""

    def __init__(self, partition: Partition) -> None:
        self._left = set(partition.host)
        self._found: dict[tuple[str, int, bool], HostOperator] = {}

    def list(self) -> tuple[HostOperator, ...]:
        """The operators, in the order in which they first run."""
        return tuple(self._found.values())

    def add(self, operator: Operator) -> None:
        """Takes an operator that is not a layer."""
        if not operator.results:
            return
        free = operator.base in VIEWS or operator.target.startswith(("_operator.", "math.", "builtins."))
        if not free:
            fused = operator not in self._left
            self.count(operator.module or operator.base, operator.title, operator.results[0].elements, fused)

    def count(self, name: str, operator: str, elements: int, fused: bool = False) -> None:
        """Counts an operator whose result has so many elements."""
        key = (operator, elements, fused)
        known = self._found.get(key)
        self._found[key] = (
            replace(known, count=known.count + 1)
            if known
            else HostOperator(name=name, operator=operator, elements=elements, fused=fused)
        )
