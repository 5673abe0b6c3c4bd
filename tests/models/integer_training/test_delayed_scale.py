"""Stores: the unit of the step before, shifts that stay in range, rounding, and what is clipped."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from skipbeat_models.integer_training.activation_store import ActivationStore, stored_activations
from skipbeat_models.integer_training.delayed_scale import DelayedScale
from skipbeat_models.integer_training.gradient_store import GradientStore, stored
from skipbeat_models.integer_training.scaled import Scaled
from skipbeat_models.integer_training.stored_bytes import StoredBytes


def kept(store: DelayedScale, *values: int, units: tuple[int, ...] = (-10,), low: int = -127) -> Scaled:
    """Sums as a store of Y leaves them, channel by channel."""
    sums, exponents = np.array(values, np.int64).reshape(1, len(units), -1, 1), np.array(units)
    apart = exponents - exponents.min()

    def made(shift: int | None) -> StoredBytes:
        return stored_activations(sums, ActivationStore(apart=apart, low=low, shift=shift))

    return store.bytes(made, exponents)


def test_the_unit_is_what_the_step_before_needed() -> None:
    store = DelayedScale()
    first = kept(store, 1000, -3)
    assert first.exponent == -10 + 3
    assert first.mantissas.ravel().tolist() == [125, 0]
    second = kept(store, 5000, 12)
    assert second.exponent == -7
    assert second.mantissas.ravel().tolist() == [127, 2], "1.5 units are rounded up"
    assert kept(store, 5000, 0).exponent == -10 + 6
    assert (store.clipped, store.stored) == (1, 6)


def test_a_frozen_store_keeps_its_unit() -> None:
    store = DelayedScale()
    kept(store, 1000, low=0)
    store.frozen = True
    assert kept(store, 9000, low=0).exponent == kept(store, 9000, low=0).exponent == -7
    assert store.stored == 1


def test_behind_a_clamp_at_zero_bytes_tell_where_sums_were_above_it() -> None:
    store = DelayedScale()
    assert kept(store, -1000, 100, 1, 0, -1, low=0).mantissas.ravel().tolist() == [0, 13, 1, 0, 0]
    assert store.clipped == 0
    assert kept(DelayedScale(), -1000, 100, 1, 0).mantissas.ravel().tolist() == [-125, 13, 0, 0]


def test_every_channel_is_shifted_into_the_same_unit() -> None:
    stored = kept(DelayedScale(), 64, 64, units=(-4, -6))
    assert stored.exponent == -4
    assert stored.mantissas.ravel().tolist() == [64, 16]
    store = DelayedScale()
    kept(store, 1000, 3000, units=(-4, -6))
    assert kept(store, 1000, 3000, units=(-4, -6)).exponent == -6 + 5, "the largest is that of the coarser unit"


def test_shifts_stay_in_0_to_32() -> None:
    store = DelayedScale()
    kept(store, 2**30, units=(0,))
    assert kept(store, 1, units=(-40,)).exponent == -8, "no shift is longer than 32"
    assert kept(store, 1, units=(9,)).exponent == 9, "no shift is to the left"


def test_stochastic_rounding_has_the_sums_as_its_mean() -> None:
    random = np.random.default_rng(1)
    shape = (1, 1, 100_000, 1)
    store, unit = DelayedScale(), np.array([-10])

    def told(value: int) -> Callable[[int | None], StoredBytes]:
        draws = random.integers(1 << 32, size=shape).astype(np.uint32)
        return lambda shift: stored(np.full(shape, value), GradientStore(shift=shift, seed=0), lambda _: draws)

    assert store.bytes(told(5000), unit).exponent == -10 + 6, "its own, as it is the first"
    found = store.bytes(told(2003), unit)
    assert found.exponent == -10 + 6
    assert set(found.mantissas.ravel().tolist()) == {31, 32}
    assert abs(float(found.mantissas.mean()) - 2003 / 64) < 0.01
    assert store.bytes(told(9000), unit).exponent == -10 + 4
    assert (store.clipped, store.stored) == (100_000, 300_000)


def test_a_small_sum_is_told_by_its_byte_or_by_the_host() -> None:
    """A noted byte is at least 1 where the sum is above 0; the host rounds half up, and looks at the sum."""
    sums = np.array([-300, -1, 0, 1, 127, 128, 300]).reshape(1, 1, 1, -1)
    noted, host = (
        stored_activations(sums, ActivationStore(apart=np.zeros(1, np.int64), low=0, shift=8, noted=noted))
        for noted in (True, False)
    )
    assert noted.mantissas.ravel().tolist() == [0, 0, 0, 1, 1, 1, 1]
    assert host.mantissas.ravel().tolist() == [0, 0, 0, 0, 0, 1, 1]
    np.testing.assert_array_equal(noted.passed, sums > 0)
    np.testing.assert_array_equal(host.passed, sums > 0)
    assert (noted.bits, noted.clips) == (host.bits, host.clips) == (9, 0)
