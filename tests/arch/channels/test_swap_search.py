"""The search for an order of channels: never worse, the order that its views have, and none if it would take long."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from skipbeat_arch.arrays import Int64Array
from skipbeat_arch.channels.swap_search import KICKED, MOST_WORK, ROUNDS, swap_search

PAIR = 2


class Pairs:
    """Channels in groups of two, each group as expensive as its larger weight."""

    def __init__(self, weights: list[int], work: int = 1) -> None:
        self.weights, self.work = list(weights), work

    @property
    def cost(self) -> int:
        return sum(max(self.weights[at : at + PAIR]) for at in range(0, len(self.weights), PAIR))

    def changes(self, place: int, others: Int64Array) -> Int64Array:
        found = []
        for other in others.tolist():
            swapped = Pairs(self.weights)
            swapped.swap(place, other)
            found.append(swapped.cost - self.cost)
        return np.array(found, np.int64)

    def swap(self, place: int, other: int) -> None:
        self.weights[place], self.weights[other] = self.weights[other], self.weights[place]


@pytest.mark.parametrize("seed", range(6))
def test_the_order_is_the_views_and_no_worse(seed: int) -> None:
    weights = np.random.default_rng(seed).integers(0, 9, 8).tolist()
    view = Pairs(weights)
    order = swap_search(8, [(view, 1.0)])
    assert [weights[at] for at in order] == view.weights
    assert view.cost <= Pairs(weights).cost
    best = min(Pairs(list(each)).cost for each in set(itertools.permutations(weights)))
    assert view.cost <= 1.2 * best


def test_views_count_by_their_weights() -> None:
    one, other = Pairs([1, 0, 1, 0]), Pairs([1, 1, 0, 0])
    swap_search(4, [(one, 1.0), (other, 10.0)])
    assert other.cost == 1
    assert one.cost == 2


@pytest.mark.parametrize(("weight", "swaps"), [(0.4, False), (0.6, True), (2.0, True)])
def test_a_swap_must_save_more_than_it_costs_by_weight(weight: float, swaps: bool) -> None:
    """Every swap that saves a step of one view costs two of the other."""
    one, other = Pairs([1, 0, 1, 0]), Pairs([2, 2, 0, 0])
    order = swap_search(4, [(one, weight), (other, 0.25)])
    assert (order.tolist() != [0, 1, 2, 3]) == swaps
    assert (one.cost, other.cost) == ((1, 4) if swaps else (2, 2))


def test_too_much_to_look_at_is_left_as_it_is() -> None:
    view = Pairs([1, 0, 1, 0], work=MOST_WORK // (ROUNDS * 4 * 4) + 1)
    assert swap_search(4, [(view, 1.0)]).tolist() == [0, 1, 2, 3]
    assert view.weights == [1, 0, 1, 0]


@pytest.mark.parametrize("seed", range(6))
def test_kicks_find_the_best_order_of_few_channels(seed: int) -> None:
    weights = np.random.default_rng(seed).integers(0, 9, 8).tolist()
    view = Pairs(weights)
    order = swap_search(8, [(view, 1.0)], kicks=30)
    assert [weights[at] for at in order] == view.weights
    assert view.cost == min(Pairs(list(each)).cost for each in set(itertools.permutations(weights)))


def test_kicks_take_no_more_work_than_the_rounds() -> None:
    looked = 0

    class Counted(Pairs):
        def changes(self, place: int, others: Int64Array) -> Int64Array:
            nonlocal looked
            looked += len(others) * self.work
            return super().changes(place, others)

    most = ROUNDS * 8 * 8 * 5
    swap_search(8, [(Counted(list(range(8)), work=5), 1.0)], most_work=most, kicks=1000)
    assert most < looked <= 2 * most + ROUNDS * KICKED * 5


def test_a_single_channel() -> None:
    assert swap_search(1, [(Pairs([3, 0]), 1.0)]).tolist() == [0]
