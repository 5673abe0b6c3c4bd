"""Invariants and stream rules, proved for ever by k-induction."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from amaranth.lib.wiring import Component

from skipbeat_arch.depths import SETTLE
from skipbeat_arch.hardware import Hardware
from skipbeat_hw.tools.formal import always, reachable
from tests.hw.core.formal_invariants import AlignerWords, CreditLoop, NoCollision, SequencerRules, SlotsStream
from tests.hw.core.symbolic_tile import tiny

Claim = Callable[[Hardware], Component]


@pytest.mark.parametrize(
    ("claim", "hw", "k"),
    [
        (AlignerWords, tiny(1, 2, 4), 1),
        (AlignerWords, tiny(2, 6, 4), 1),
        (SlotsStream, tiny(1, 2, 4), 2),
        (SequencerRules, tiny(1, 2, 4), 5),
        (NoCollision, tiny(1, 2, 4), 3),
        (CreditLoop, tiny(1, 2, 4), 2),
        (CreditLoop, tiny(7, 2, 4), 2),
        pytest.param(CreditLoop, tiny(4, 5, 4), 2, marks=pytest.mark.slow),
        pytest.param(CreditLoop, tiny(2, 8, 4), 2, marks=pytest.mark.slow),
    ],
)
def test_holds_for_ever(claim: Claim, hw: Hardware, k: int) -> None:
    verdict = always(claim(hw), k)
    assert verdict.holds, f"{verdict.witness} {verdict.trace}\n{verdict.log}"


@pytest.mark.parametrize(
    ("claim", "depth"), [(AlignerWords, 6), (SlotsStream, 7), (SequencerRules, 12), (NoCollision, 6), (CreditLoop, 22)]
)
def test_the_assumptions_can_be_met(claim: Claim, depth: int) -> None:
    verdict = reachable(claim(tiny(1, 2, 4)), depth)
    assert verdict.holds, f"{verdict.witness}\n{verdict.log}"


@pytest.mark.slow
def test_both_memories_of_a_column_can_be_full() -> None:
    verdict = reachable(CreditLoop(tiny(7, 2, 4)), 40)
    assert verdict.holds, f"{verdict.witness}\n{verdict.log}"


def test_an_entry_that_is_read_a_clock_sooner_collides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.hw.core.formal_invariants.SETTLE", SETTLE - 1)
    assert not always(NoCollision(tiny(1, 2, 4)), 3).holds
