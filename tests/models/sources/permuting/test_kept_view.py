"""What a swap of channels changes in the magnitude that is kept, against pruning again."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from skipbeat_arch.arrays import Floats
from skipbeat_arch.channels.swap_search import swap_search
from skipbeat_arch.pattern import Pattern
from skipbeat_models.sources.permuting.kept_view import KeptView
from skipbeat_models.sources.permuting.pruning_orders import KICKS


def kept(magnitude: Floats, n: int, m: int) -> float:
    """The n largest of every m, by their definition."""
    groups = (magnitude[at : at + m] for at in range(0, len(magnitude), m))
    return float(sum(np.sort(group, axis=0)[-n:].sum() for group in groups))


@pytest.mark.parametrize(
    ("n", "m", "channels"), [(2, 4, 12), (1, 4, 8), (2, 4, 10), (3, 4, 9), (1, 2, 6), (3, 8, 20), (2, 4, 3)]
)
def test_swaps_are_worth_what_pruning_again_says(n: int, m: int, channels: int) -> None:
    rng = np.random.default_rng(channels)
    magnitude = rng.integers(0, 9, (channels, 7)).astype(np.float64)
    view = KeptView(magnitude, Pattern.parse(f"{n}:{m}"))
    for place in rng.permutation(channels).tolist():
        found = view.changes(place, np.arange(channels))
        for other in range(channels):
            swapped = magnitude.copy()
            swapped[[place, other]] = swapped[[other, place]]
            assert found[other] == kept(magnitude, n, m) - kept(swapped, n, m)
        other = int(rng.integers(channels))
        magnitude[[place, other]] = magnitude[[other, place]]
        view.swap(place, other)


@pytest.mark.parametrize("seed", range(12))
def test_of_8_channels_the_search_finds_the_best_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    magnitude = np.abs(rng.standard_normal((8, int(rng.integers(1, 40)))))
    order = swap_search(8, [(KeptView(magnitude, Pattern.parse("2:4")), 1.0)], kicks=KICKS)
    rest = set(range(1, 8))
    firsts = [(0, *each) for each in combinations(rest, 3)]
    best = max(kept(magnitude[[*first, *rest.difference(first)]], 2, 4) for first in firsts)
    assert kept(magnitude[order], 2, 4) == pytest.approx(best, rel=1e-6)
