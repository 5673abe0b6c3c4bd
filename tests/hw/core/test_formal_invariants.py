"""Invariants and stream rules, proved for ever by k-induction."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from amaranth.lib.wiring import Component

from skipbeat_arch.hardware import Hardware
from skipbeat_hw.tools.formal import always, reachable
from tests.hw.core.formal_invariants import AlignerWords, CreditLoop, SequencerRules, SlotsStream
from tests.hw.core.symbolic_tile import tiny

Claim = Callable[[Hardware], Component]


@pytest.mark.parametrize(
    ("claim", "hw", "k"),
    [
        (AlignerWords, tiny(1, 2, 4), 1),
        (AlignerWords, tiny(2, 6, 4), 1),
        (SlotsStream, tiny(1, 2, 4), 2),
        (SequencerRules, tiny(1, 2, 4), 4),
        (CreditLoop, tiny(1, 2, 4), 2),
    ],
)
def test_holds_for_ever(claim: Claim, hw: Hardware, k: int) -> None:
    verdict = always(claim(hw), k)
    assert verdict.holds, f"{verdict.witness} {verdict.trace}\n{verdict.log}"


@pytest.mark.parametrize(
    ("claim", "depth"), [(AlignerWords, 6), (SlotsStream, 7), (SequencerRules, 12), (CreditLoop, 22)]
)
def test_the_assumptions_can_be_met(claim: Claim, depth: int) -> None:
    verdict = reachable(claim(tiny(1, 2, 4)), depth)
    assert verdict.holds, f"{verdict.witness}\n{verdict.log}"
