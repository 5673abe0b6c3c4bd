"""The Pareto front: what nothing else beats in every objective."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def front(values: Sequence[Sequence[float]], larger: Sequence[bool]) -> list[bool]:
    """For each point whether no other is as good in all objectives and better in one; equal points are all in.

    Args:
        values: of the objectives, a row for each point.
        larger: for each objective, whether more of it is better.
    """
    if not values:
        return []
    costs = np.array(values, np.float64) * np.where(larger, -1.0, 1.0)
    found = []
    for cost in costs:
        as_good, better = (costs <= cost).all(axis=1), (costs < cost).any(axis=1)
        found.append(not bool((as_good & better).any()))
    return found
