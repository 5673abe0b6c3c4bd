"""Swaps channels as long as groups need fewer steps for it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skipbeat_arch.arrays import Indices

from .channel_views import View

#: Elements that are looked at for one class of channels; about 200 million take a second.
MOST_WORK = 50_000_000
#: Rounds through all channels, and the fewest and the most swaps that are valued for each of them.
ROUNDS = 2
LEAST_TRIED, MOST_TRIED = 4, 256


def swap_search(channels: int, views: Sequence[tuple[View, float]]) -> Indices:
    """An order of the channels with a smaller sum of b; the natural one if there is too much to look at.

    For each channel in turn some others are drawn, and it is swapped with the one for which that saves most. The draws
    are always the same.

    Args:
        channels: how many there are.
        views: of the nodes that feel the order, with what a step of each counts.
    """
    order = np.arange(channels)
    tried = MOST_WORK // max(ROUNDS * channels * sum(view.work for view, _ in views), 1)
    if tried < LEAST_TRIED or channels < 2:
        return order
    rng = np.random.default_rng(0)
    for _ in range(ROUNDS):
        for place in rng.permutation(channels):
            others = rng.choice(channels, min(tried, MOST_TRIED, channels), replace=False)
            change = sum(weight * view.changes(int(place), others) for view, weight in views)
            best = int(np.argmin(change))
            if np.asarray(change)[best] < 0:
                other = int(others[best])
                for view, _ in views:
                    view.swap(int(place), other)
                order[[place, other]] = order[[other, place]]
    return order
