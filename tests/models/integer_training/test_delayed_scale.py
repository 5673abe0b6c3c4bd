"""Stores: the unit of the step before, shifts that stay in range, rounding, and what is clipped."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from skipbeat_arch.arrays import Int64Array
from skipbeat_models.integer_training.delayed_scale import DelayedScale
from skipbeat_models.integer_training.gradient_store import GradientStore, StoredGradient, stored
from skipbeat_models.integer_training.scaled import Sums


def sums(*values: int, units: tuple[int, ...] = (-10,)) -> Sums:
    found: Int64Array = np.array(values, np.int64).reshape(1, len(units), -1, 1)
    return Sums(found, np.array(units))


def test_the_unit_is_what_the_step_before_needed() -> None:
    store = DelayedScale()
    first = store.nearest(sums(1000, -3), -127)
    assert first.exponent == -10 + 3
    assert first.mantissas.ravel().tolist() == [125, 0]
    second = store.nearest(sums(5000, 12), -127)
    assert second.exponent == -7
    assert second.mantissas.ravel().tolist() == [127, 2], "1.5 units are rounded up"
    assert store.nearest(sums(5000, 0), -127).exponent == -10 + 6
    assert (store.clipped, store.stored) == (1, 6)


def test_a_frozen_store_keeps_its_unit() -> None:
    store = DelayedScale()
    store.nearest(sums(1000), 0)
    store.frozen = True
    assert store.nearest(sums(9000), 0).exponent == store.nearest(sums(9000), 0).exponent == -7
    assert store.stored == 1


def test_a_clamp_at_zero_is_no_clipping() -> None:
    store = DelayedScale()
    assert store.nearest(sums(-1000, 100), 0).mantissas.ravel().tolist() == [0, 13]
    assert store.clipped == 0


def test_every_channel_is_shifted_into_the_same_unit() -> None:
    stored = DelayedScale().nearest(sums(64, 64, units=(-4, -6)), -127)
    assert stored.exponent == -4
    assert stored.mantissas.ravel().tolist() == [64, 16]


def test_the_sums_stay_beside_the_bytes() -> None:
    assert DelayedScale().nearest(sums(1000, -3), 0).sums.ravel().tolist() == [1000, -3]


def test_shifts_stay_in_0_to_32() -> None:
    store = DelayedScale()
    store.nearest(sums(2**30, units=(0,)), -127)
    assert store.nearest(sums(1, units=(-40,)), -127).exponent == -8, "no shift is longer than 32"
    assert store.nearest(sums(1, units=(9,)), -127).exponent == 9, "no shift is to the left"


def test_stochastic_rounding_has_the_sums_as_its_mean() -> None:
    random = np.random.default_rng(1)
    shape = (1, 1, 100_000, 1)
    store = DelayedScale()

    def told(value: int) -> Callable[[int | None], StoredGradient]:
        draws = random.integers(1 << 32, size=shape).astype(np.uint32)
        return lambda shift: stored(np.full(shape, value), GradientStore(shift=shift, seed=0), lambda _: draws)

    assert store.stochastic(told(5000), -10).exponent == -10 + 6, "its own, as it is the first"
    found = store.stochastic(told(2003), -10)
    assert found.exponent == -10 + 6
    assert set(found.mantissas.ravel().tolist()) == {31, 32}
    assert abs(float(found.mantissas.mean()) - 2003 / 64) < 0.01
    assert store.stochastic(told(9000), -10).exponent == -10 + 4
    assert (store.clipped, store.stored) == (100_000, 300_000)
