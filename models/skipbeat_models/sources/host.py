"""Operators that the array does not run: what the output stage does in passing, and what is left to the host."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from skipbeat_arch.model import HostOperator

from .graph import Operator, Value
from .operators import ADDITIONS, BATCH_NORMS, CLAMPS, MAX_POOLS, VIEWS


class HostOperators:
    """Collects operators; equal ones with results of equal size are counted.

    A batch normalisation directly behind a layer is folded into its weights, and an addition, clamp or max pooling
    behind a layer is done by the output stage, as long as nothing else uses what comes before it.
    """

    def __init__(self, users: Counter[str]) -> None:
        self._users = users
        self._found: dict[tuple[str, int, bool], HostOperator] = {}
        self._foldable: set[str] = set()
        self._staged: set[str] = set()

    def layer_makes(self, value: Value) -> None:
        """A layer's result: the output stage can do more to it."""
        self._foldable.add(value.name)
        self._staged.add(value.name)

    def list(self) -> tuple[HostOperator, ...]:
        """The operators, in the order in which they first run."""
        return tuple(self._found.values())

    def add(self, operator: Operator, name: str) -> None:
        """Takes an operator that is not a layer."""
        if not operator.results:
            return
        result, inputs = operator.results[0], operator.values()
        if operator.base in VIEWS or operator.target.startswith(("_operator.", "math.", "builtins.")):
            alone = [value for value in inputs if self._users[value.name] == 1]
            for names in (self._foldable, self._staged):
                if len(inputs) == 1 and alone and alone[0].name in names:
                    names.add(result.name)
            return
        fused = self._is_fused(operator)
        if fused:
            self._staged.add(result.name)
        self.count(name, operator.title, result.elements, fused)

    def count(self, name: str, operator: str, elements: int, fused: bool = False) -> None:
        """Counts an operator whose result has so many elements."""
        key = (operator, elements, fused)
        known = self._found.get(key)
        self._found[key] = (
            replace(known, count=known.count + 1)
            if known
            else HostOperator(name=name, operator=operator, elements=elements, fused=fused)
        )

    def _is_fused(self, operator: Operator) -> bool:
        base = operator.base
        sources = [value for value in operator.values() if self._users[value.name] == 1]
        if base in BATCH_NORMS:
            return any(value.name in self._foldable for value in sources)
        if base in CLAMPS | MAX_POOLS | ADDITIONS:
            return any(value.name in self._staged for value in sources)
        return False
