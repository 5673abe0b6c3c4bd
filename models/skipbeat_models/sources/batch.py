"""How many examples a model's inputs are for."""

from __future__ import annotations

from collections.abc import Iterable


def common_batch(shapes: Iterable[tuple[int, ...]]) -> int:
    """The first size of all inputs, or 1 where they have none in common."""
    first = {shape[0] for shape in shapes if shape}
    return first.pop() if len(first) == 1 else 1
