"""What a swap of channels changes, against counting everything again."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.arrays import Bytes, Indices
from skipbeat_arch.channels.swap_search import View
from skipbeat_mapper.balancing.channel_views import Inputs, Outputs

GROUP, VECTOR = 4, 8


def random_weights(seed: int, channels: int, outputs: int) -> Bytes:
    """Weights uint8 [C, K], 1 or 0."""
    return (np.random.default_rng(seed).random((channels, outputs)) < 0.4).astype(np.uint8)


def sum_of_b(weights: Bytes) -> int:
    """b of every group and column tile, by its definition."""
    total = 0
    for group in range(0, weights.shape[0], GROUP):
        for tile in range(0, weights.shape[1], VECTOR):
            total += int(weights[group : group + GROUP, tile : tile + VECTOR].sum(axis=0).max())
    return total


def inputs_view(weights: Bytes) -> View:
    """The view of a 1x1 layer's inputs."""
    channels, outputs = weights.shape
    padded = np.pad(weights, ((0, 0), (0, -outputs % VECTOR)))
    return Inputs(padded.reshape(channels, -1, VECTOR).swapaxes(1, 2).copy(), GROUP)


def outputs_view(weights: Bytes) -> View:
    """The view of a 1x1 layer's outputs."""
    padded = np.pad(weights, ((0, -weights.shape[0] % GROUP), (0, 0)))
    counts = padded.reshape(-1, GROUP, weights.shape[1]).sum(axis=1, dtype=np.uint8)
    return Outputs(counts.T.copy(), VECTOR)


def swap(channels: int, first: int, second: int) -> Indices:
    """The natural order with two channels swapped."""
    order = np.arange(channels)
    order[first], order[second] = second, first
    return order


def in_order(weights: Bytes, order: Indices, *, outputs: bool) -> Bytes:
    """Weights with their outputs or inputs in another order."""
    return weights[:, order] if outputs else weights[order]


@pytest.mark.parametrize("outputs", [False, True])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("size", [(12, 16), (14, 21), (3, 5)])
def test_changes_are_those_of_the_definition(outputs: bool, seed: int, size: tuple[int, int]) -> None:
    weights = random_weights(seed, *size)
    view = outputs_view(weights) if outputs else inputs_view(weights)
    rng = np.random.default_rng(seed)
    channels = size[1] if outputs else size[0]
    for _ in range(6):
        place, other = (int(number) for number in rng.integers(0, channels, 2))
        changes = view.changes(place, np.arange(channels))
        for at in range(channels):
            swapped = in_order(weights, swap(channels, place, at), outputs=outputs)
            assert changes[at] == sum_of_b(swapped) - sum_of_b(weights)
        view.swap(place, other)
        weights = in_order(weights, swap(channels, place, other), outputs=outputs)
