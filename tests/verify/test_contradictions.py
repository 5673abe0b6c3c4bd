"""Contradictory streams end in their error on any hardware, and are a pure function of their generator."""

from __future__ import annotations

import numpy as np
import pytest

from skipbeat_arch.command import CoreError
from skipbeat_sim.core.run_core import run_core
from skipbeat_verify.contradictions import KINDS, Kind, contradiction, kinds_of
from skipbeat_verify.core_passes import small_hardware
from skipbeat_verify.regression_cases import POOL, random_willing

SMALL = [hw for hw, _ in POOL if hw.pes <= 64]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_ends_in_its_error(kind: Kind) -> None:
    for number, hw in enumerate(hw for hw in SMALL if kind in kinds_of(hw)):
        rng = np.random.default_rng([number, 5])
        wrong = contradiction(kind, hw, rng, random_willing(rng))
        run, _ = run_core(hw, wrong.stimulus)
        assert CoreError(run.error) == wrong.error != CoreError.NONE, f"{kind} on {hw.name}"
        assert not run.finished


@pytest.mark.parametrize("rows", [1, 2])
def test_a_dense_machine_meets_what_needs_no_metadata(rows: int) -> None:
    hw = small_hardware(rows, 3, 1, 1)
    assert len(kinds_of(hw)) == (3 if rows == 1 else 5)
    for kind in kinds_of(hw):
        for seed in range(10):
            rng = np.random.default_rng(seed)
            wrong = contradiction(kind, hw, rng, random_willing(rng))
            assert run_core(hw, wrong.stimulus)[0].error == wrong.error


def test_every_error_of_the_core_is_provoked() -> None:
    hw = SMALL[0]
    rng = np.random.default_rng(0)
    errors = {contradiction(kind, hw, rng, random_willing(rng)).error for kind in KINDS}
    assert errors == set(CoreError) - {CoreError.NONE}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_generator_gives_the_same_stream(kind: Kind) -> None:
    first, again = (
        contradiction(kind, SMALL[1], np.random.default_rng(3), random_willing(np.random.default_rng(4)))
        for _ in range(2)
    )
    np.testing.assert_array_equal(first.stimulus.commands, again.stimulus.commands)
    np.testing.assert_array_equal(first.stimulus.weights, again.stimulus.weights)
    np.testing.assert_array_equal(first.stimulus.activations, again.stimulus.activations)
