"""Maps as vectors in memory, and draws and choices at their places there."""

from __future__ import annotations

import numpy as np

from skipbeat_arch.hardware import load_hardware
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.training.rounding import rounding_draws
from skipbeat_models.integer_training.scaled import Scaled
from skipbeat_models.integer_training.trained_layer import SeedSource
from skipbeat_models.integer_training.vectors import Vectors

VECTORS = Vectors(group=4, width=8, lanes=4)


def test_where_an_element_lies() -> None:
    values = np.arange(3 * 10 * 2 * 5).astype(np.int8).reshape(3, 10, 2, 5)
    vectors = VECTORS.of_map(values)
    assert vectors.shape == (2 * 2 * 5 * 4, 8)
    split = vectors.reshape(2, 2, 5, 4, 8)  # [block][y][x][image][V]
    for image, channel, y, x in ((0, 0, 0, 0), (2, 9, 1, 4), (1, 7, 1, 0), (2, 8, 0, 3)):
        assert split[channel // 8, y, x, image, channel % 8] == values[image, channel, y, x]
    assert not split[:, :, :, 3].any(), "an image that is missing of the group"
    assert not split[1, ..., 2:].any(), "channels that are missing of the block"
    np.testing.assert_array_equal(VECTORS.to_map(vectors, values.shape), values)


def test_draws_lie_where_the_elements_do() -> None:
    draws = VECTORS.draws((3, 10, 2, 5), seed=7)
    stored = rounding_draws(7, 4, 2 * 2 * 5 * 4, 8).reshape(2, 2, 5, 4, 8)
    assert draws[2, 9, 1, 4] == stored[1, 1, 4, 2, 1]


def test_one_of_two_images_is_kept_and_the_mean_is_the_gradient() -> None:
    gradient = Scaled(np.random.default_rng(1).integers(-127, 128, (8, 8, 1, 1)).astype(np.int8), -9)
    total, rounds = np.zeros(gradient.mantissas.shape), 400
    seeds = SeedSource(2)
    for _ in range(rounds):
        kept = VECTORS.keep_unbiased(gradient, Pattern.parse("1:2"), seeds.next())
        assert kept.exponent == -8
        pairs = kept.mantissas.reshape(4, 2, 8)
        assert (np.count_nonzero(pairs, axis=1) <= 1).all()
        total += kept.real()
    error = np.abs(total / rounds - gradient.real())
    pairs = np.abs(gradient.real()).reshape(4, 2, 8).sum(axis=1, keepdims=True)
    assert (error <= 5 * np.broadcast_to(pairs, (4, 2, 8)).reshape(error.shape) / (2 * rounds**0.5)).all()


def test_of_a_hardware_description() -> None:
    assert Vectors.of(load_hardware("edge-16x16-m8")) == Vectors(group=8, width=16, lanes=8)
