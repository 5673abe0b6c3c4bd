"""Swaps channels as long as the nodes that feel their order gain by it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from ..arrays import FloatArray, Indices, Int64Array

#: Elements that are looked at for one class of channels; about 200 million take a second.
MOST_WORK = 50_000_000
#: Rounds through all channels, and the fewest and the most swaps that are valued for each of them.
ROUNDS = 2
LEAST_TRIED, MOST_TRIED = 4, 256
#: Swaps at random after which the search sets out again.
KICKED = 2
#: What counts as no change, in parts of what a kick has cost: sums of floats are not exact.
LEAST_GAIN = 1e-9


class View(Protocol):
    """What a class of channels means for one node.

    Attributes:
        work: elements that are looked at to value a swap.
    """

    work: int

    def changes(self, place: int, others: Int64Array) -> Int64Array | FloatArray:
        """By how much the node's cost changes if the channel at a place is swapped with that at each of the others."""

    def swap(self, place: int, other: int) -> None:
        """Swaps two channels."""


def swap_search(
    channels: int, views: Sequence[tuple[View, float]], *, most_work: int = MOST_WORK, kicks: int = 0
) -> Indices:
    """An order of the channels with a smaller cost; the natural one if there is too much to look at.

    For each channel in turn some others are drawn, and it is swapped with the one for which that saves most. The draws
    are always the same.

    Args:
        channels: how many there are.
        views: of the nodes that feel the order, with what their cost counts.
        most_work: elements that are looked at in the rounds, and as many again after kicks.
        kicks: how often a few channels are swapped at random and searched again; what is no better is undone.
    """
    order = np.arange(channels)
    work = sum(view.work for view, _ in views)
    tried = most_work // max(ROUNDS * channels * work, 1)
    if tried < LEAST_TRIED or channels < 2:
        return order
    tried = min(tried, MOST_TRIED, channels)
    search = _Search(order, views, tried)
    for _ in range(ROUNDS):
        search.round()
    for _ in range(min(kicks, most_work // max(channels * tried * work, 1))):
        search.kick()
    return order


class _Search:
    def __init__(self, order: Indices, views: Sequence[tuple[View, float]], tried: int) -> None:
        self._order, self._views, self._tried = order, views, tried
        self._rng = np.random.default_rng(0)

    def round(self) -> tuple[float, list[tuple[int, int]]]:
        """Every channel once; by how much the cost has changed, and the swaps."""
        change, swaps = 0.0, []
        for place in self._rng.permutation(len(self._order)).tolist():
            others = self._rng.choice(len(self._order), self._tried, replace=False)
            found = self._changes(place, others)
            best = int(np.argmin(found))
            if found[best] < 0:
                change += float(found[best])
                swaps.append((place, int(others[best])))
                self._swap(*swaps[-1])
        return change, swaps

    def kick(self) -> None:
        """A few swaps at random and a round; all undone if the cost is not smaller then."""
        change, swaps, cost = 0.0, [], 0.0
        for _ in range(KICKED):
            place, other = self._rng.choice(len(self._order), 2, replace=False).tolist()
            found = float(self._changes(place, np.array([other]))[0])
            change, cost = change + found, cost + abs(found)
            swaps.append((place, other))
            self._swap(place, other)
        saved, more = self.round()
        if change + saved >= -LEAST_GAIN * cost:
            for place, other in reversed(swaps + more):
                self._swap(place, other)

    def _changes(self, place: int, others: Int64Array) -> Int64Array | FloatArray:
        return np.asarray(sum(weight * view.changes(place, others) for view, weight in self._views))

    def _swap(self, place: int, other: int) -> None:
        for view, _ in self._views:
            view.swap(place, other)
        self._order[[place, other]] = self._order[[other, place]]
